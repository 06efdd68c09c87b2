"""The worker: what failed is retried, and jobs are done, without anybody's help."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, ProgrammingError, connection

from monitoring.models import Heartbeat, SyncFailure
from sarah.models import SarahState
from sarah.worker import Job, Worker
from tests.factories import ContactFactory, SarahStateFactory, fail_sync
from tests.server import database_url

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 120


@pytest.fixture
def due_state() -> SarahState:
    lead = ContactFactory()
    state = SarahStateFactory(contact_phone=lead.phone, extracted_data={"name": "Budi"})
    type(lead).objects.update(name="")
    return fail_sync(state, due=-timedelta(minutes=1), sync_attempts=1)


def do(**jobs: Callable[[Callable[[], bool]], Any]) -> dict[str, Any]:
    """What the jobs of a new worker come to."""
    work = {name: Job(run=run, every=60) for name, run in jobs.items()}
    return Worker(Heartbeat.objects, work).work_once()[1]


def test_the_worker_syncs_what_is_due(due_state: SarahState, capsys) -> None:
    call_command("sync_worker", "--once")

    due_state.refresh_from_db()
    assert due_state.contact.name == "Budi"
    assert (due_state.next_sync_at, due_state.leased_until) == (None, None)
    assert due_state.sync_attempts == 0
    assert "1 synced" in capsys.readouterr().out


def test_a_job_that_breaks_is_on_record_and_does_not_stop_the_others() -> None:
    results = do(
        broken=lambda stopped: 1 / 0, other=lambda stopped: int("x"), sound=lambda stopped: 7
    )

    assert results == {"broken": None, "other": None, "sound": 7}
    causes = SyncFailure.objects.order_by("pk").values_list("group__exception", flat=True)
    assert list(causes) == ["ZeroDivisionError", "ValueError"]


def test_the_failure_of_a_job_closes_once_that_job_is_done_again() -> None:
    def still_open() -> list[str]:
        return list(SyncFailure.objects.open().values_list("fingerprint", flat=True))

    do(job=lambda stopped: 1 / 0, other=lambda stopped: 1 / 0)

    do(job=lambda stopped: None)  # not its turn
    assert still_open() == ["job", "other"]

    do(job=lambda stopped: 7)
    assert still_open() == ["other"]


def test_a_job_waits_for_its_time_and_is_not_begun_by_a_worker_that_stops() -> None:
    worker = Worker(Heartbeat.objects, {"job": Job(run=lambda stopped: 7, every=60)})
    assert [worker.do_jobs(), worker.do_jobs()] == [{"job": 7}, {}]

    worker.jobs["other"] = Job(run=lambda stopped: 7, every=60)
    worker.stop()

    assert worker.do_jobs() == {}


def test_a_worker_whose_connection_is_lost_goes_on_with_another(
    due_state: SarahState, monkeypatch, caplog
) -> None:
    worker, lease, attempts = Worker(Heartbeat.objects, {}), SarahState.objects.lease, count()

    def lose_the_connection_at_first(limit: int) -> list[int]:
        if (attempt := next(attempts)) == 0:
            connection.connection.close()
        worker.stopping = attempt == 2
        return lease(limit)

    monkeypatch.setattr(SarahState.objects, "lease", lose_the_connection_at_first)
    monkeypatch.setattr("sarah.worker.POLL", 0)
    worker.run()

    assert caplog.text.count("The worker cannot use the database") == 1
    due_state.refresh_from_db()
    assert due_state.synced_at


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


def test_a_worker_is_known_to_live_until_it_stops(django_assert_num_queries) -> None:
    worker = Worker(Heartbeat.objects, {}, name="one")

    assert not worker.checkpoint()
    with django_assert_num_queries(0):  # it says so every ten seconds
        worker.checkpoint()
    assert [beat.worker for beat in Heartbeat.objects.alive()] == ["one"]

    worker.stop()
    worker.run()
    assert not Heartbeat.objects.alive()
    assert Heartbeat.objects.numbers()["dead"] == 0


def test_a_worker_stops_on_sigterm(due_state: SarahState) -> None:
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "sync_worker"],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DATABASE_URL": database_url()},
    )
    deadline = time.monotonic() + PATIENCE
    while not due_state.synced_at and time.monotonic() < deadline:
        time.sleep(0.1)
        due_state.refresh_from_db()

    worker.terminate()

    assert worker.wait(PATIENCE) == 0
    assert due_state.contact.name == "Budi"
