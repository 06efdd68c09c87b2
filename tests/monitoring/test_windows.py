"""The numbers of the last hour, day and week."""

from datetime import UTC, datetime, timedelta

import pytest

from monitoring.health.windows import percentile, windows
from sarah.models import SarahState, StateUpdate
from tests.factories import WorkspaceFactory

NOW = datetime(2026, 11, 24, 2, 0, 0, 500, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


def conversation(slug: str = "default") -> SarahState:
    (state,) = SarahState.objects.bulk_create(
        [SarahState(workspace=WorkspaceFactory(slug=slug), contact_phone="+6281234567890")]
    )
    return state


MESSAGES = [
    # age, outcome, milliseconds
    (timedelta(), "synced", 10),
    (timedelta(minutes=59), "contact_not_found", 20),
    (timedelta(hours=1) - INSTANT, "excluded", 4000),
    (timedelta(hours=1), "synced", 7),
    (timedelta(hours=24) - INSTANT, "synced", 30),
    (timedelta(hours=24), "sync_error", 5),
    (timedelta(days=7) - INSTANT, "sync_error", 9000),
    (timedelta(days=7), "synced", 99_999),
]


def journal(state: SarahState) -> None:
    """Messages at the edges of the windows and inside."""
    StateUpdate.objects.bulk_create(
        StateUpdate(state=state, received_at=NOW - age, outcome=outcome, duration_ms=ms)
        for age, outcome, ms in MESSAGES
    )


@pytest.mark.django_db
def test_each_window_counts_what_came_in_since_it_began(django_assert_num_queries) -> None:
    ours, theirs = conversation("bandung"), conversation("jakarta")
    journal(ours)

    with django_assert_num_queries(1):
        found = windows(now=NOW)
    journal(theirs)

    assert {
        name: (window.messages, window.synced, window.failed, window.excluded, window.unknown)
        for name, window in found.items()
    } == {"1h": (3, 1, 0, 1, 1), "24h": (5, 3, 0, 1, 1), "7d": (7, 3, 2, 1, 1)}
    assert {name: (one.p50_ms, one.p95_ms, one.max_ms) for name, one in found.items()} == {
        "1h": (20, 4000, 4000),
        "24h": (20, 4000, 4000),
        "7d": (20, 9000, 9000),
    }
    assert {name: count for name, count in found["7d"].by_outcome.items() if count} == {
        "synced": 3, "contact_not_found": 1, "sync_error": 2, "excluded": 1,
    }  # fmt: skip
    assert (found["1h"].ratio, found["7d"].ratio) == (0, 0.4)
    assert windows(now=NOW, workspace=ours.workspace) == found


@pytest.mark.django_db
def test_without_messages_nothing_failed_and_nothing_was_slow() -> None:
    hour = windows(now=NOW)["1h"]

    assert (hour.messages, hour.ratio, hour.p50_ms, hour.max_ms) == (0, 0, None, None)


@pytest.mark.parametrize(
    ("counts", "share", "value"),
    [
        ({}, 0.5, None),
        ({7: 1}, 0.95, 7),
        ({1: 1, 2: 1}, 0.5, 1),
        ({1: 1, 2: 2}, 0.5, 2),
        ({1: 19, 50: 1}, 0.95, 1),
        ({1: 18, 50: 2}, 0.95, 50),
    ],
)
def test_a_percentile_is_a_duration_that_was_measured(counts, share, value) -> None:
    assert percentile(counts, share) == value
