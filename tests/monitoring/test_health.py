"""The numbers of the sync are read from what is there."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from leadsync.infra import db
from monitoring.health import numbers
from monitoring.health.numbers import read_vitals
from monitoring.health.windows import Rate
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


def test_a_conversation_that_a_person_gave_up_on_needs_none_until_the_bot_is_back() -> None:
    state = conversation()
    SyncFailureFactory(state=state)
    assert read_vitals().parked == 1

    resolve_failures(SyncFailure.objects.all(), by="ani")
    assert read_vitals().parked == 0

    SarahState.objects.filter(pk=state.pk).update(updated_at=timezone.now() + SOON)
    assert read_vitals().parked == 1


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
    assert (found.vitals.recent, found.vitals.failing_deliveries) == (Rate(), 0)
    assert (of_all.vitals.recent, of_all.vitals.failing_deliveries) == (Rate(failed=9), 1)


def test_a_worker_that_was_stopped_is_not_missed_and_one_that_was_killed_is() -> None:
    assert numbers.health().status == "ok"
    Heartbeat.objects.beat("one")
    Heartbeat.objects.beat("two")
    Heartbeat.objects.filter(worker="two").update(beat_at=Now() - timedelta(minutes=3))

    workers = read_vitals().workers

    assert (workers.alive, workers.dead) == (1, 1)
    Heartbeat.objects.sign_off("one")
    assert [problem.code for problem in numbers.health().problems] == ["worker_dead"]
    Heartbeat.objects.beat("two")  # it only hung
    assert read_vitals().workers.alive == 1


def test_the_last_reconciliation_is_the_one_that_began_last() -> None:
    for trigger in ("worker", "command"):
        SyncRun.objects.begin(trigger=trigger).finish()

    assert read_vitals().last_run.trigger == "command"


def test_the_costs_do_not_depend_on_how_much_there_is(django_assert_num_queries) -> None:
    for due in (LATELY, SOON, None):
        conversation(due=due)

    with django_assert_num_queries(17):
        numbers.health()
    with django_assert_num_queries(8):
        read_vitals()
