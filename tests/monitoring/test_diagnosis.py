"""What counts as a problem of the sync, and what does not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from monitoring.health.diagnosis import Vitals, Workers, diagnose
from monitoring.health.windows import Rate
from monitoring.models import STOPPED, SyncRun

NOW = datetime(2026, 11, 24, 2, tzinfo=UTC)
ALIVE = Workers(alive=1, last_beat_at=NOW)
KILLED = Workers(dead=1, last_beat_at=NOW - timedelta(minutes=5))


def ago(**length: float) -> datetime:
    return NOW - timedelta(**length)


def run(ended: datetime | None, error: str = "") -> SyncRun:
    return SyncRun(started_at=ago(hours=5), beat_at=ended or NOW, finished_at=ended, error=error)


@pytest.mark.parametrize(
    ("vitals", "codes"),
    [
        # No worker was ever meant to run.
        ({}, []),
        ({"workers": ALIVE}, []),
        ({"workers": KILLED}, ["worker_dead"]),
        # One of two was killed: the other does its work.
        ({"workers": Workers(alive=1, dead=1)}, []),
        ({"oldest_due_at": ago(minutes=10)}, []),
        ({"oldest_due_at": ago(minutes=10, seconds=1)}, ["retries_late"]),
        ({"oldest_due_at": ago(minutes=11), "workers": ALIVE}, ["retries_late"]),
        ({"oldest_due_at": ago(minutes=-11)}, []),
        ({"recent": Rate(synced=0, failed=4)}, []),
        ({"recent": Rate(synced=95, failed=5)}, []),
        ({"recent": Rate(synced=94, failed=5)}, ["messages_failing"]),
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
    ],
)
def test_these_are_problems(vitals: dict[str, Any], codes: list[str]) -> None:
    assert [problem.code for problem in diagnose(Vitals(at=NOW, **vitals))] == codes


def test_a_late_retry_says_whether_a_worker_is_missing() -> None:
    late = Vitals(at=NOW, oldest_due_at=ago(minutes=11))

    (alone,) = diagnose(late)
    (overrun,) = diagnose(replace(late, workers=ALIVE))

    assert "11 minutes late, and no worker is running" in alone.text
    assert "do not keep up" in overrun.text


def test_a_capped_count_says_so() -> None:
    (problem,) = diagnose(Vitals(at=NOW, parked=10_001))

    assert problem.text.startswith("10,000+ conversations")
