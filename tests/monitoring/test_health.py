"""The numbers of the sync are read from what is there."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadsync.infra import db
from monitoring import jobs
from monitoring.health import numbers
from monitoring.health.diagnosis import Vitals
from monitoring.health.parts import Parts
from monitoring.models import AlertDelivery, AlertSettings, Heartbeat, SyncFailure, SyncRun
from sarah.models import SarahState
from sarah.resolve import resolve_failures
from tests.factories import (
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
    WorkspaceFactory,
    fail_sync,
)

pytestmark = pytest.mark.django_db
SOON, LATELY = timedelta(minutes=5), -timedelta(minutes=5)


@pytest.fixture(autouse=True)
def worker() -> None:
    Heartbeat.objects.beat("a worker")


def read_vitals() -> Vitals:
    return numbers.read_vitals(Parts(seconds=5))


def conversation(reason: str = "sync_error", *, workspace: Any = ..., **columns: Any) -> SarahState:
    """One that is out of sync and has no failure on record."""
    state = SarahStateFactory(**{} if workspace is ... else {"workspace": workspace})
    state.failures.all().delete()
    return fail_sync(state, reason, **columns)


def test_the_backlog_is_told_apart() -> None:
    conversation(due=LATELY)
    conversation(due=LATELY)
    conversation(due=SOON)
    conversation()
    conversation("contact_not_found")
    conversation("ambiguous_contact", workspace=None)
    conversation("excluded")
    conversation("", due=LATELY * 9, synced_at=timezone.now())  # in sync: its retry is over

    found = numbers.health()

    backlog = found.backlog
    assert (backlog.due, backlog.scheduled, backlog.parked, backlog.excluded) == (2, 1, 1, 1)
    assert backlog.waiting == {
        "contact_not_found": 1,
        "ambiguous_contact": 1,
        "workspace_not_found": 0,
    }
    assert [problem.code for problem in found.problems] == ["needs_a_person"]
    assert found.vitals.oldest_due_at > timezone.now() + LATELY * 2
    assert found.status == "degraded"


def test_a_conversation_that_a_person_gave_up_on_needs_none() -> None:
    SyncFailureFactory(state=conversation())
    assert read_vitals().parked == 1

    resolve_failures(SyncFailure.objects.all(), by="ani")

    assert read_vitals().parked == 0


def test_counting_stops_at_a_cap(monkeypatch) -> None:
    monkeypatch.setattr(db, "CAP", 2)
    for _ in range(4):
        conversation()

    assert read_vitals().parked == 3


def test_the_oldest_that_waits_is_one_that_a_sync_would_heal() -> None:
    now, state = timezone.now(), conversation()
    waiting = SyncFailureFactory(state=state, created_at=now - timedelta(hours=2))
    SyncFailureFactory(state=state, kind="invalid_payload", created_at=now - timedelta(hours=3))
    SyncFailureFactory(created_at=now - timedelta(hours=4))  # of the background, without a lead
    closed = SyncFailureFactory(state=state, created_at=now - timedelta(hours=5))
    resolve_failures(SyncFailure.objects.filter(pk=closed.pk), by="ani")

    found = numbers.health()

    assert found.oldest_waiting_at == waiting.created_at
    assert (found.open_failures["sync_error"], found.open_failures["invalid_payload"]) == (2, 1)


def test_a_workspace_sees_only_what_is_its_own() -> None:
    ours, theirs = WorkspaceFactory(slug="bandung"), WorkspaceFactory(slug="jakarta")
    for _ in range(3):
        SyncFailureFactory(
            state=conversation(workspace=theirs, due=LATELY * 4), workspace_ref="jakarta"
        )
    journalled = conversation(workspace=theirs)
    MessageFactory.create_batch(9, state=journalled, outcome="sync_error")
    AlertDelivery.objects.create(
        settings=AlertSettings.objects.create(workspace=theirs),
        event="raised",
        channel="email",
        error="No.",
    )

    found, of_all = numbers.recent_health(ours), numbers.recent_health()

    assert (found.status, found.problems) == ("ok", ())
    assert (found.backlog.due, found.backlog.parked, found.oldest_waiting_at) == (0, 0, None)
    assert not any(found.open_failures.values())
    assert found.vitals.oldest_due_at is None
    assert (found.vitals.recent, found.vitals.failing_deliveries) == ([], 0)
    assert (of_all.vitals.recent[0].failed, of_all.vitals.failing_deliveries) == (9, 1)


def problems() -> list[str]:
    return [str(problem.code) for problem in numbers.health().problems]


def test_a_worker_that_was_killed_is_missed_unless_another_one_runs() -> None:
    Heartbeat.objects.beat("another")
    Heartbeat.objects.filter(worker="another").update(beat_at=Now() - timedelta(minutes=3))
    assert problems() == []

    Heartbeat.objects.sign_off("a worker")
    assert problems() == ["worker_dead"]

    Heartbeat.objects.beat("another")  # it only hung
    assert problems() == []


def test_no_worker_for_five_minutes_is_a_problem_also_after_a_clean_stop() -> None:
    Heartbeat.objects.sign_off("a worker")
    assert problems() == []

    Heartbeat.objects.update(beat_at=Now() - timedelta(minutes=5, seconds=1))
    assert problems() == ["worker_missing"]

    Heartbeat.objects.all().delete()  # never started
    assert problems() == ["worker_missing"]


@pytest.mark.parametrize(
    ("period", "age", "missing"),
    [
        # The first run: it may be an hourly one.
        (None, timedelta(minutes=64), []),
        (None, timedelta(minutes=66), ["worker_missing"]),
        (timedelta(minutes=10), timedelta(minutes=14), []),
        (timedelta(minutes=10), timedelta(minutes=16), ["worker_missing"]),
        (timedelta(hours=2), timedelta(hours=2, minutes=4), []),
    ],
)
def test_cron_counts_as_a_worker_until_its_next_run_is_overdue(
    period: timedelta | None, age: timedelta, missing: list[str]
) -> None:
    Heartbeat.objects.all().delete()
    for _run in range(2 if period else 1):
        if period:
            Heartbeat.objects.update(started_at=Now() - period)
        jobs.worker().work_once()
    Heartbeat.objects.update(
        started_at=F("started_at") - age,
        beat_at=F("beat_at") - age,
        next_run_at=F("next_run_at") - age,
    )

    assert problems() == missing


def test_the_last_reconciliation_is_the_one_that_began_last() -> None:
    for trigger in ("worker", "command"):
        SyncRun.objects.begin(trigger=trigger).finish()

    assert read_vitals().last_run.trigger == "command"


def selects(read: Callable[[], object]) -> int:
    """How many statements read rows."""
    with CaptureQueriesContext(connection) as captured:
        read()
    return sum(" FROM " in query["sql"] for query in captured)


def test_the_costs_do_not_depend_on_how_much_there_is() -> None:
    for due in (LATELY, SOON, None):
        conversation(due=due)

    assert (selects(numbers.health), selects(read_vitals)) == (17, 8)
