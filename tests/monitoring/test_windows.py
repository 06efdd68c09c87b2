"""The numbers of the last hour, day and week are those of a careful count."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from monitoring.health.windows import LENGTHS, Rate, percentile, recent_rate, windows
from sarah.models import Outcome, SarahState, StateUpdate
from tests.factories import MessageFactory, WorkspaceFactory

NOW = datetime(2026, 11, 24, 2, 0, 0, 500, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
WELL = (Outcome.SYNCED, Outcome.EXCLUDED)


def conversation(slug: str = "default") -> SarahState:
    (state,) = SarahState.objects.bulk_create(
        [SarahState(workspace=WorkspaceFactory(slug=slug), contact_phone="+6281234567890")]
    )
    return state


def mixed_journal(state: SarahState) -> list[StateUpdate]:
    """Messages at the edges of the windows and all over them."""
    chance = random.Random(8)
    ages = [length + step for length in LENGTHS.values() for step in (-INSTANT, 0 * INSTANT)]
    ages += [timedelta(minutes=chance.randrange(20_000)) for _ in range(150)]
    return StateUpdate.objects.bulk_create(
        StateUpdate(
            state=state,
            received_at=NOW - age,
            outcome=chance.choice(Outcome.values),
            duration_ms=chance.choice([3, 4, 4, 5, 9, 120, 4000]),
        )
        for age in ages
    )


def careful_count(messages: list[StateUpdate], length: timedelta) -> dict[str, object]:
    inside = [message for message in messages if NOW - message.received_at < length]
    outcomes = [message.outcome for message in inside]
    durations = sorted(message.duration_ms for message in inside)
    return {
        "messages": len(inside),
        "synced": outcomes.count("synced"),
        "excluded": outcomes.count("excluded"),
        "failed": sum(outcome not in WELL for outcome in outcomes),
        "by_outcome": {outcome: outcomes.count(outcome) for outcome in Outcome.values},
        "p50_ms": durations[math.ceil(0.5 * len(durations)) - 1],
        "p95_ms": durations[math.ceil(0.95 * len(durations)) - 1],
        "max_ms": durations[-1],
    }


@pytest.mark.django_db
def test_the_numbers_are_those_of_a_careful_count(django_assert_num_queries) -> None:
    messages = mixed_journal(conversation())

    with django_assert_num_queries(1):
        found = windows(now=NOW)

    assert list(found) == list(LENGTHS)
    for name, length in LENGTHS.items():
        expected = careful_count(messages, length)
        assert {number: getattr(found[name], number) for number in expected} == expected


@pytest.mark.django_db
def test_a_workspace_has_numbers_of_its_own() -> None:
    ours = mixed_journal(conversation("bandung"))
    mixed_journal(conversation("jakarta"))

    found = windows(now=NOW, workspace=ours[0].state.workspace)

    assert found["7d"].messages == careful_count(ours, LENGTHS["7d"])["messages"]


@pytest.mark.django_db
def test_without_messages_nothing_failed_and_nothing_was_slow() -> None:
    hour = windows(now=NOW)["1h"]

    assert (hour.messages, hour.ratio, hour.p50_ms, hour.max_ms) == (0, 0, None, None)


@pytest.mark.django_db
def test_excluded_messages_do_not_thin_out_the_rate_of_failures() -> None:
    state, now = conversation(), timezone.now()
    outcomes = [Outcome.SYNCED] * 3 + [Outcome.CONTACT_NOT_FOUND] + [Outcome.EXCLUDED] * 20
    for outcome in outcomes:
        MessageFactory(state=state, outcome=outcome, received_at=now)
    MessageFactory(state=state, outcome=Outcome.SYNC_ERROR, received_at=now - timedelta(minutes=16))

    rate = recent_rate(since=now - timedelta(minutes=15))

    assert rate == Rate(synced=3, failed=1)
    assert rate.ratio == 0.25


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
