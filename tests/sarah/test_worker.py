"""What failed heals without anybody's help."""

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, ProgrammingError
from django.utils import timezone

from contacts.models import Contact, StatusChange
from monitoring.models import Heartbeat, SyncFailure
from sarah import queue
from sarah.models import SarahState
from sarah.retry import retry, retry_due
from sarah.sync import SyncResult
from sarah.worker import Job, Worker
from tests.factories import ContactFactory, SarahStateFactory
from tests.faults import LEADS, refusing
from tests.server import database_url
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def make_due(state: SarahState, **changes: object) -> None:
    SarahState.objects.filter(pk=state.pk).update(
        **{
            "synced_at": None,
            "sync_reason": "sync_error",
            "sync_attempts": 1,
            "next_sync_at": timezone.now() - timedelta(minutes=1),
        }
        | changes
    )


@pytest.fixture
def due_state() -> SarahState:
    lead = ContactFactory()
    state = SarahStateFactory(contact_phone=lead.phone, extracted_data={"name": "Budi"})
    type(lead).objects.update(name="")
    make_due(state)
    return state


def test_the_worker_syncs_what_is_due(due_state: SarahState, capsys) -> None:
    call_command("sync_worker", "--once")

    due_state.refresh_from_db()
    assert due_state.contact.name == "Budi"
    assert (due_state.next_sync_at, due_state.leased_until, due_state.sync_attempts) == (
        None,
        None,
        0,
    )
    assert "1 synced" in capsys.readouterr().out


def test_two_workers_never_take_the_same_conversation(due_state: SarahState) -> None:
    assert SarahState.objects.lease(20) == [due_state.pk]

    assert SarahState.objects.lease(20) == []


def test_the_lease_of_a_killed_worker_is_taken_over(due_state: SarahState) -> None:
    make_due(due_state, leased_until=timezone.now() - timedelta(seconds=1))

    assert SarahState.objects.lease(20) == [due_state.pk]


def test_a_late_worker_leaves_alone_what_another_has_worked(due_state: SarahState) -> None:
    SarahState.objects.lease(20)
    retry_due(due_state.pk)
    type(due_state.contact or ContactFactory()).objects.update(name="Typed meanwhile")

    assert retry_due(due_state.pk) is None


def test_a_conversation_that_is_not_due_is_left_alone(due_state: SarahState) -> None:
    make_due(due_state)
    SarahState.objects.update(next_sync_at=timezone.now() + timedelta(minutes=1))

    assert SarahState.objects.lease(20) == []


def test_three_workers_at_once_work_each_conversation_once() -> None:
    leads = ContactFactory.create_batch(60)
    for lead in leads:
        make_due(SarahStateFactory(contact_phone=lead.phone, state="handoff"))
    Contact.objects.update(lead_status="new")
    StatusChange.objects.all().delete()

    outcomes = at_once(
        [lambda: Worker(Heartbeat.objects, {}, name=str(uuid4())).work_once()[0]] * 3
    )

    assert sum(outcomes, Counter()) == {"synced": 60}
    assert StatusChange.objects.count() == 60
    assert not SarahState.objects.exclude(leased_until=None).exists()


def test_a_conversation_that_breaks_the_retry_itself_does_not_stop_the_others(
    due_state: SarahState, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = SarahStateFactory(contact_phone=ContactFactory().phone)
    make_due(broken, next_sync_at=timezone.now() - timedelta(hours=1))

    def break_for(state_id: int) -> SyncResult | None:
        if state_id == broken.pk:
            raise ZeroDivisionError("Budi +6281234567890")
        return retry_due(state_id)

    monkeypatch.setattr(queue, "retry_due", break_for)
    Worker(Heartbeat.objects, {}).work_once()

    due_state.refresh_from_db()
    broken.refresh_from_db()
    assert due_state.synced_at
    assert (broken.sync_attempts, broken.leased_until) == (2, None)
    assert broken.next_sync_at
    group = SyncFailure.objects.get(source="background").group
    assert group.exception == "ZeroDivisionError"
    assert group.function.endswith("break_for")


def test_a_job_that_breaks_is_on_record_and_does_not_stop_the_others() -> None:
    done = []
    jobs = {
        "broken": Job(run=lambda stopped: 1 / 0, every=60),
        "broken otherwise": Job(run=lambda stopped: int("x"), every=60),
        "sound": Job(run=lambda stopped: done.append(1), every=60),
    }

    Worker(Heartbeat.objects, jobs).work_once()

    assert done
    groups = SyncFailure.objects.order_by("pk").values_list("group__exception", flat=True)
    assert list(groups) == ["ZeroDivisionError", "ValueError"]


def test_the_failure_of_a_job_closes_once_it_is_done_again() -> None:
    Worker(Heartbeat.objects, {"job": Job(run=lambda stopped: 1 / 0, every=60)}).work_once()

    Worker(
        Heartbeat.objects, {"job": Job(run=lambda stopped: None, every=60)}
    ).work_once()  # not its turn
    assert SyncFailure.objects.open().exists()

    Worker(Heartbeat.objects, {"job": Job(run=lambda stopped: 7, every=60)}).work_once()
    assert not SyncFailure.objects.open().exists()


@pytest.mark.parametrize("error", [OperationalError, ProgrammingError])
def test_a_database_that_fails_does_not_end_the_worker(error, monkeypatch, caplog) -> None:
    worker = Worker(Heartbeat.objects, {})
    answers = iter([error("Budi +6281234567890")])

    def lease(limit: int) -> list[int]:
        for broken in answers:
            raise broken
        worker.stop()
        return []

    monkeypatch.setattr(SarahState.objects, "lease", lease)
    monkeypatch.setattr("sarah.worker.POLL", 0)
    worker.run()

    assert error.__name__ in caplog.text
    assert "Budi" not in caplog.text


def test_a_worker_is_known_to_live_until_it_stops(due_state: SarahState) -> None:
    worker = Worker(Heartbeat.objects, {}, name="one")

    assert not worker.checkpoint()
    assert [beat.worker for beat in Heartbeat.objects.alive()] == ["one"]

    worker.stop()
    worker.run()
    assert not Heartbeat.objects.exists()


def test_a_killed_worker_is_missed() -> None:
    Heartbeat.objects.beat("killed")
    Heartbeat.objects.update(beat_at=timezone.now() - timedelta(minutes=3))

    assert not Heartbeat.objects.alive().exists()
    assert [beat.worker for beat in Heartbeat.objects.dead()] == ["killed"]


def test_a_worker_stops_on_sigterm_within_seconds(due_state: SarahState) -> None:
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "sync_worker"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()},
    )
    for _ in range(100):
        time.sleep(0.1)
        due_state.refresh_from_db()
        if due_state.synced_at:
            break

    worker.terminate()

    assert worker.wait(5) == 0
    assert due_state.contact.name == "Budi"


def test_what_is_no_longer_leased_is_left_alone(due_state: SarahState) -> None:
    assert retry_due(due_state.pk) is None


def test_a_message_that_fails_before_its_retry_is_due_uses_up_no_attempt(
    due_state: SarahState,
) -> None:
    later = timezone.now() + timedelta(hours=1)
    SarahState.objects.update(next_sync_at=later)

    with refusing(LEADS):
        retry(due_state.pk)

    due_state.refresh_from_db()
    assert (due_state.sync_attempts, due_state.next_sync_at) == (1, later)


def test_a_conversation_whose_lead_has_another_phone_now_lets_go_of_it(
    due_state: SarahState,
) -> None:
    Contact.objects.update(phone="+6281299999999")

    retry(due_state.pk)

    due_state.refresh_from_db()
    assert (due_state.sync_reason, due_state.contact) == ("contact_not_found", None)
