"""Reconciliations on record: once an hour, one at a time, and what became of each."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from monitoring import runs
from monitoring.models import STOPPED, SyncRun
from monitoring.runs import reconcile_hourly, run_reconciliation
from tests.factories import SarahStateFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("minutes", "error", "is_due"),
    [
        (59, "", False),
        (61, "", True),
        (1, STOPPED, True),
        (4, "Failed before it was done.", False),
        (6, "Failed before it was done.", True),
    ],
)
def test_the_worker_reconciles_if_no_run_of_the_last_hour_was_left_to_end(
    minutes: int, error: str, is_due: bool
) -> None:
    began = Now() - timedelta(minutes=minutes)
    SyncRun.objects.create(trigger="command", started_at=began, finished_at=Now(), error=error)

    assert bool(reconcile_hourly(lambda: False)) is is_due
    assert reconcile_hourly(lambda: False) is None


def test_a_run_that_is_stopped_or_breaks_off_keeps_what_it_had_come_to(monkeypatch) -> None:
    SarahStateFactory()

    run_reconciliation(trigger="worker", stopped=lambda: True)
    monkeypatch.setattr(SyncRun, "beat", lambda self, **counts: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run_reconciliation(trigger="worker")

    broken, stopped = SyncRun.objects.all()
    assert (stopped.error, stopped.checked, stopped.still_open) == (STOPPED, 1, 1)
    assert (broken.error, broken.checked, broken.still_open) == ("Failed before it was done.", 1, 1)


def test_a_run_shows_signs_of_life_while_it_goes_on(monkeypatch) -> None:
    monkeypatch.setattr(runs, "BEAT_EVERY", 0)
    SarahStateFactory()
    seen: list[int] = []

    run_reconciliation(
        trigger="worker",
        stopped=lambda: seen.extend(SyncRun.objects.values_list("checked", flat=True)) or False,
    )

    assert seen == [1]


def test_a_run_that_was_killed_gives_way_after_two_minutes_and_another_does_not() -> None:
    killed = SyncRun.objects.begin(trigger="worker")
    with pytest.raises(CommandError, match="under way"):
        call_command("reconcile")
    SyncRun.objects.update(beat_at=Now() - timedelta(minutes=3))

    call_command("reconcile")

    killed.refresh_from_db()
    assert (killed.finished_at, killed.error) == (killed.beat_at, "Killed before it was done.")
