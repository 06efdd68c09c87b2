"""Diagnoses problems of the sync from a few vital signs. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import TextChoices

from leadsync.infra.db import shown_count
from monitoring.health.windows import Rate
from monitoring.models.runs import STOPPED, SyncRun

LATE = timedelta(minutes=10)
"""A retry that is overdue by more than this is late."""
RUN_LATE = timedelta(hours=3)
RATE_WINDOW = timedelta(minutes=15)
MAX_FAILURE_RATIO = 0.05
MIN_FAILURES = 5
"""Fewer failures are no rate: at night, one can be a third of three messages."""


class Code(TextChoices):
    """Codes of problems, for programs."""

    WORKER_DEAD = "worker_dead"
    RETRIES_LATE = "retries_late"
    MESSAGES_FAILING = "messages_failing"
    NEEDS_A_PERSON = "needs_a_person"
    RUN_FAILED = "run_failed"
    RUN_LATE = "run_late"
    ALERTS_FAILING = "alerts_failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem, and a sentence that says what to do about it."""

    code: Code
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """How many workers run, and how many vanished without being stopped."""

    alive: int = 0
    dead: int = 0
    last_beat_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The vital signs; all of them are cheap to read, however large the tables are."""

    at: datetime
    workers: Workers = field(default_factory=Workers)
    oldest_due_at: datetime | None = None
    recent: Rate = field(default_factory=Rate)
    parked: int = 0
    last_run: SyncRun | None = None
    failing_deliveries: int = 0


def diagnose(vitals: Vitals) -> Iterator[Problem]:
    """Yield the problems that these vital signs show. Pure."""
    workers, recent = vitals.workers, vitals.recent
    if workers.dead and not workers.alive:
        yield Problem(
            code=Code.WORKER_DEAD,
            text="A worker was killed or hangs, and no other is running. "
            "Start one: `manage.py sync_worker`.",
        )
    if vitals.oldest_due_at and vitals.at - vitals.oldest_due_at > LATE:
        yield Problem(code=Code.RETRIES_LATE, text=_why_late(vitals))
    if recent.failed >= MIN_FAILURES and recent.ratio > MAX_FAILURE_RATIO:
        yield Problem(
            code=Code.MESSAGES_FAILING,
            text=f"{recent.failed} messages of the last 15 minutes ({recent.ratio:.0%}) did not "
            "reach their lead. Look at the open failures: each says what to do.",
        )
    if vitals.parked:
        yield Problem(
            code=Code.NEEDS_A_PERSON,
            text=f"{shown_count(vitals.parked)} conversations failed to sync too often and are no "
            "longer retried by themselves. Repair what their failures show, then run "
            "`manage.py retry_failures --kind sync_error`; or resolve the failures.",
        )
    yield from _diagnose_run(vitals)
    if vitals.failing_deliveries:
        yield Problem(
            code=Code.ALERTS_FAILING,
            text=f"{shown_count(vitals.failing_deliveries)} alerts could not be delivered. Check "
            "the addresses in the alert settings and send a test alert.",
        )


def _why_late(vitals: Vitals) -> str:
    late = int((vitals.at - (vitals.oldest_due_at or vitals.at)).total_seconds() // 60)
    if vitals.workers.alive:
        return f"A retry is {late} minutes late: the workers do not keep up. Start another one."
    return (
        f"A retry is {late} minutes late, and no worker is running. "
        "Start one: `manage.py sync_worker`."
    )


def _diagnose_run(vitals: Vitals) -> Iterator[Problem]:
    run = vitals.last_run
    if run and run.finished_at and run.error not in ("", STOPPED):
        yield Problem(
            code=Code.RUN_FAILED,
            text=f"The last reconciliation was not completed: {run.error} Look at the log, then "
            "run `manage.py reconcile`.",
        )
    if run and vitals.workers.alive and vitals.at - run.beat_at > RUN_LATE:
        yield Problem(
            code=Code.RUN_LATE,
            text="The last reconciliation is over 3 hours old, though a worker is running. "
            "Restart the worker and look at its log.",
        )
