"""What counts as a problem of the sync, and what does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.health.diagnosis import Spooled, Vitals, Workers, diagnose
from monitoring.health.problems import TEXTS, Code, status_of
from monitoring.health.recent import Recent
from monitoring.models import STOPPED, SyncRun

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
ALIVE = Workers(alive=1, last_beat_at=NOW)
KILLED = Workers(dead=1, last_beat_at=NOW - timedelta(minutes=5))


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def run(ended: datetime | None, error: str = "") -> SyncRun:
    return SyncRun(started_at=ago(hours=5), beat_at=ended or NOW, finished_at=ended, error=error)


def traffic(**numbers: Any) -> dict[str, Any]:
    return {"recent": [Recent(**numbers)]}


def spooled(seconds: float, **numbers: int) -> dict[str, Any]:
    return {"spooled": Spooled(last_at=ago(seconds=seconds), **numbers)}


@pytest.mark.parametrize(
    ("vitals", "codes"),
    [
        ({}, []),
        ({"workers": ALIVE}, []),
        ({"workers": KILLED}, ["worker_dead"]),
        # Never started, or stopped in good order.
        ({"workers": Workers(is_missing=True)}, ["worker_missing"]),
        # One of two was killed: the other does its work.
        ({"workers": Workers(alive=1, dead=1)}, []),
        ({"oldest_due_at": ago(minutes=10)}, []),
        ({"oldest_due_at": ago(minutes=10, seconds=1)}, ["retries_late"]),
        ({"oldest_due_at": ago(minutes=11), "workers": ALIVE}, ["retries_late"]),
        ({"oldest_due_at": ago(minutes=-11)}, []),
        (traffic(synced=0, failed=4, behind=4), []),
        (traffic(synced=95, failed=5, behind=5), []),
        (traffic(synced=94, failed=5, behind=5), ["messages_failing"]),
        # Each workspace has its own limit.
        (traffic(synced=94, failed=5, behind=5, limit=10), []),
        (traffic(synced=495, failed=5, behind=5, limit=1), []),
        (traffic(synced=494, failed=5, behind=5, limit=1), ["messages_failing"]),
        # All have reached their leads since.
        (traffic(synced=0, failed=500), []),
        ({"parked": 1}, ["needs_a_person"]),
        ({"last_run": run(ago(minutes=9))}, []),
        ({"last_run": run(ago(minutes=9), error="Broken off.")}, ["run_failed"]),
        ({"last_run": run(ago(minutes=9), error=STOPPED)}, []),
        # Hours old, but no worker is there to do it.
        ({"last_run": run(ago(hours=4))}, []),
        ({"last_run": run(ago(hours=3)), "workers": ALIVE}, []),
        ({"last_run": run(ago(hours=3, seconds=1)), "workers": ALIVE}, ["run_late"]),
        # Began five hours ago and is still at it.
        ({"last_run": run(None), "workers": ALIVE}, []),
        ({"failing_deliveries": 2}, ["alerts_failing"]),
        ({"parked": 3, "workers": KILLED}, ["worker_dead", "needs_a_person"]),
        ({"unreadable": ("messages",)}, ["health_unreadable"]),
        ({"is_writable": False}, ["not_writable"]),
        (spooled(0, refused=1), ["messages_refused"]),
        (spooled(60, refused=1), ["messages_refused"]),
        (spooled(61, refused=1), []),
        (spooled(999, stored=1), ["messages_stored"]),
    ],
)
def test_these_are_problems(vitals: dict[str, Any], codes: list[str]) -> None:
    problems = list(diagnose(Vitals(at=NOW, **vitals)))

    assert [problem.code for problem in problems] == codes
    assert not [problem for problem in problems if "{" in str(problem.text)]


@pytest.mark.parametrize(
    ("vitals", "status"),
    [
        ({}, "ok"),
        (traffic(failed=5, behind=5, last_failed_at=NOW), "degraded"),
        # Twenty in a row: at a limit of 5 %, one of them would have had to fail.
        (traffic(failed=5, behind=1, synced=20, in_a_row=20, last_failed_at=NOW), "recovering"),
        (traffic(failed=5, behind=1, synced=19, in_a_row=19, last_failed_at=NOW), "degraded"),
        (
            traffic(failed=5, behind=1, synced=9, in_a_row=9, last_failed_at=NOW, limit=12),
            "recovering",
        ),
        # At night one is enough, after a quiet minute.
        (
            traffic(failed=5, behind=1, in_a_row=1, synced=1, last_failed_at=ago(seconds=61)),
            "recovering",
        ),
        (traffic(failed=5, behind=1, last_failed_at=ago(seconds=61)), "degraded"),
        ({"oldest_due_at": ago(minutes=11), "workers": ALIVE, "is_healing": True}, "recovering"),
        ({"oldest_due_at": ago(minutes=11), "workers": ALIVE}, "degraded"),
        ({"oldest_due_at": ago(minutes=11), "is_healing": True}, "degraded"),
        (spooled(10, stored=1), "degraded"),
        (spooled(11, stored=1), "recovering"),
        (spooled(11, refused=1), "recovering"),
        (spooled(11, stored=1) | {"parked": 1}, "degraded"),
    ],
)
def test_what_is_over_and_has_still_to_be_worked_is_recovering(
    vitals: dict[str, Any], status: str
) -> None:
    assert status_of(diagnose(Vitals(at=NOW, **vitals))) == status


def test_each_problem_is_told_in_words() -> None:
    assert set(TEXTS) == set(Code)


def test_a_missing_worker_comes_with_how_to_start_one() -> None:
    for workers in (KILLED, Workers(is_missing=True)):
        (problem,) = diagnose(Vitals(at=NOW, workers=workers))

        assert "`manage.py sync_worker`" in problem.text


def test_a_late_retry_says_whether_a_worker_is_missing() -> None:
    late = Vitals(at=NOW, oldest_due_at=ago(minutes=11))

    (alone,) = diagnose(late)
    (overrun,) = diagnose(replace(late, workers=ALIVE))

    assert "11 minutes late. Start one" in alone.text
    assert "do not keep up" in overrun.text


def test_a_capped_count_says_so() -> None:
    (problem,) = diagnose(Vitals(at=NOW, parked=10_001))

    assert problem.text.startswith("10,000+ conversations")
