"""Causes of failures: told apart, looked after, over, and back again."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from monitoring.admin.trends import trends_of
from monitoring.models import FailureGroup, FailureGroupQuerySet, SyncFailure, SyncFailureQuerySet
from sarah.models import StateUpdate
from sarah.resolve import resolve_cause, resolve_failures
from tests.factories import CauseFactory, SarahStateFactory, SyncFailureFactory

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
PHONE = "+6281234567890"


def ago(minutes: int) -> datetime:
    return NOW - timedelta(minutes=minutes)


def record(exception: str = "", function: str = "", phone: str = PHONE) -> FailureGroup:
    pk = SyncFailure.objects.record(
        source="sarah",
        kind="sync_error",
        contact_phone=phone,
        error="x",
        exception=exception,
        function=function,
    )
    return FailureGroup.objects.get(pk=pk)


def status_of(cause: FailureGroup) -> str:
    return FailureGroup.objects.with_numbers().get(pk=cause.pk).status


ACKNOWLEDGED = {"acknowledged_at": ago(20), "acknowledged_by": "ani"}
IGNORED = {"ignored_until": NOW + timedelta(hours=1), "ignored_by": "ani"}
IGNORED_ONCE = {"ignored_until": ago(1), "ignored_by": "ani"}
RESOLVED = {"resolved_at": ago(30), "resolved_by": "ani"}


@pytest.mark.parametrize(
    ("said", "open_seen", "closed_seen", "status"),
    [
        ({}, 5, None, "open"),
        ({}, None, 5, "healed"),
        ({}, None, None, "healed"),
        (ACKNOWLEDGED, 5, None, "acknowledged"),
        (ACKNOWLEDGED, None, 5, "healed"),
        (IGNORED, 5, None, "ignored"),
        (ACKNOWLEDGED | IGNORED, 5, None, "ignored"),
        (IGNORED, None, 5, "healed"),
        (IGNORED_ONCE, 5, None, "open"),
        (ACKNOWLEDGED | IGNORED_ONCE, 5, None, "acknowledged"),
        (RESOLVED, None, 31, "resolved"),
        (RESOLVED, None, None, "resolved"),
        (RESOLVED, 5, 31, "regressed"),
        (RESOLVED, 31, 40, "open"),  # being closed, or the closing was cancelled
        (RESOLVED, None, 5, "healed"),  # it was back, and healed
        (RESOLVED | ACKNOWLEDGED, 5, None, "acknowledged"),
        (RESOLVED | IGNORED, 5, None, "ignored"),
        (RESOLVED | IGNORED_ONCE, 5, None, "regressed"),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_the_latest_event_decides_where_a_cause_stands(said, open_seen, closed_seen, status):
    cause = CauseFactory(**said)
    if open_seen is not None:
        SyncFailureFactory(group=cause, last_seen_at=ago(open_seen))
    if closed_seen is not None:
        closed = {"resolved_at": NOW, "resolution": "healed"}
        SyncFailureFactory(group=cause, last_seen_at=ago(closed_seen), **closed)

    assert status_of(cause) == status
    assert FailureGroup.objects.with_numbers().filter(status=status).get() == cause


def test_a_cause_is_an_exception_in_a_function():
    first = record("ValueError", "sarah.sync.sync", phone="+6281234567891")

    assert record("ValueError", "sarah.sync.sync", phone="+6281234567892") == first
    assert record("KeyError", "sarah.sync.sync", phone="+6281234567893") != first
    assert record("ValueError", "sarah.rules.changes_for", phone="+6281234567894") != first
    assert FailureGroup.objects.count() == 3


def test_a_lead_that_fails_for_another_cause_counts_for_that_one_from_then_on():
    first = record("ValueError", "sarah.sync.sync")
    second = record("KeyError", "sarah.sync.sync")

    numbers = FailureGroup.objects.with_numbers()
    assert SyncFailure.objects.get().group == second
    assert (numbers.get(pk=first.pk).open_failures, status_of(first)) == (0, "healed")
    assert (numbers.get(pk=second.pk).open_failures, status_of(second)) == (1, "open")


def test_a_cause_counts_its_leads_and_how_often_it_struck():
    cause = CauseFactory()
    SyncFailureFactory(group=cause, contact_phone=PHONE, occurrences=3, last_seen_at=ago(9))
    SyncFailureFactory(group=cause, contact_phone=PHONE, workspace_ref="b", last_seen_at=ago(2))
    SyncFailureFactory(group=cause, contact_phone="", last_seen_at=ago(4))
    SyncFailureFactory(group=cause, occurrences=5, resolved_at=NOW, resolution="healed")

    found = FailureGroup.objects.with_numbers().get(pk=cause.pk)

    assert (found.leads, found.open_failures, found.occurrences) == (1, 3, 10)


def test_what_people_say_of_a_cause_is_signed_and_the_last_word_counts():
    record()
    causes = FailureGroup.objects.all()
    with time_machine.travel(NOW, tick=False) as clock:
        SyncFailure.objects.update(last_seen_at=NOW)
        causes.ignore(until=NOW + timedelta(hours=1), by="ani", note="Known.")
        assert status_of(causes.get()) == "ignored"
        clock.shift(timedelta(hours=1, seconds=1))
        assert status_of(causes.get()) == "open"
        causes.ignore(until=NOW + timedelta(days=1), by="ani")
        causes.acknowledge(by="budi")
        assert (status_of(causes.get()), causes.get().acknowledged_by) == ("acknowledged", "budi")
        assert causes.get().note == "Known."
        causes.reopen()
        assert status_of(causes.get()) == "open"


def test_a_resolved_cause_that_comes_back_is_marked_until_somebody_takes_it_on():
    with time_machine.travel(NOW, tick=False) as clock:
        cause = record()
        FailureGroup.objects.acknowledge(by="budi")
        FailureGroup.objects.ignore(until=NOW + timedelta(hours=1), by="budi")
        clock.shift(60)
        assert resolve_cause(cause, by="ani", note="Mended.") == 1
        assert status_of(cause) == "resolved"
        failure = SyncFailure.objects.get()
        assert (failure.resolution, failure.resolved_by, failure.note) == (
            "manual",
            "ani",
            "Mended.",
        )
        clock.shift(60)
        record()
        assert status_of(cause) == "regressed"
        FailureGroup.objects.acknowledge(by="budi")
        assert status_of(cause) == "acknowledged"
        FailureGroup.objects.reopen()
        assert status_of(cause) == "open"


@pytest.mark.parametrize("rows", [FailureGroupQuerySet, SyncFailureQuerySet])
def test_a_failure_that_arrives_while_its_cause_is_resolved_stays_open(monkeypatch, rows):
    """The person asks; then, before the rows are closed, one fails again and a new one fails."""
    cause = record(phone="+6281234567891")
    record(phone="+6281234567892")
    close = rows.mark_resolved

    def fail_meanwhile(self, **said):
        record(phone="+6281234567892")
        record(phone="+6281234567893")
        return close(self, **said)

    monkeypatch.setattr(rows, "mark_resolved", fail_meanwhile)

    assert resolve_cause(cause, by="ani") == 1

    still_open = SyncFailure.objects.open().values_list("contact_phone", flat=True)
    assert set(still_open) == {"+6281234567892", "+6281234567893"}
    assert status_of(cause) == "regressed"


def test_what_failed_after_the_person_asked_is_not_resolved():
    with time_machine.travel(NOW, tick=False) as clock:
        record(phone="+6281234567891")
        clock.shift(60)
        record(phone="+6281234567892")

    assert resolve_failures(SyncFailure.objects.all(), by="ani", seen_until=NOW) == 1
    assert SyncFailure.objects.open().get().contact_phone == "+6281234567892"


@time_machine.travel(NOW, tick=False)
def test_the_trend_counts_the_messages_that_a_cause_hit_in_each_of_24_hours(
    django_assert_num_queries,
):
    cause, quiet = CauseFactory(), CauseFactory(function="b")
    refused = CauseFactory(kind="rejected_payload")
    state = SarahStateFactory()
    for minutes in (1, 59, 61, 23 * 60 + 59, 24 * 60 + 1):
        StateUpdate.objects.create(
            state=state,
            received_at=ago(minutes),
            outcome="sync_error",
            failure_group=cause,
            body="",
        )
    SyncFailureFactory(kind="rejected_payload", last_seen_at=ago(90))

    with django_assert_num_queries(2):
        trends = trends_of([cause, quiet, refused])

    assert trends[cause.pk].hours == (1, *[0] * 21, 1, 2)
    assert (trends[cause.pk].total, trends[cause.pk].last_hour) == (4, 2)
    assert (trends[quiet.pk].total, trends[refused.pk].hours[22]) == (0, 1)
