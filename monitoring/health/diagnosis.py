"""Diagnoses problems of the sync from a few vital signs. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import TextChoices

from leadsync.infra.db import shown_count
from monitoring.health.recent import Recent
from monitoring.limits import LATE, RATE_MINUTES
from monitoring.models.runs import MISSING_AFTER, STOPPED, SyncRun

RUN_LATE = timedelta(hours=3)
OVER_AFTER = timedelta(seconds=10)
"""If no message had to be stored or refused for this long, that is over."""
FORGOTTEN_AFTER = timedelta(minutes=1)
START_ONE = (
    "Start one and keep it running: `manage.py sync_worker`; or let cron run "
    "`manage.py sync_worker --once`."
)


class Status(TextChoices):
    OK = "ok"
    RECOVERING = "recovering"
    """What was wrong is over, and what it left behind is being worked."""
    DEGRADED = "degraded"


class Code(TextChoices):
    """Codes of problems, for programs."""

    UNREADABLE = "health_unreadable"
    NOT_WRITABLE = "not_writable"
    MESSAGES_REFUSED = "messages_refused"
    MESSAGES_STORED = "messages_stored"
    SPOOL_UNUSABLE = "spool_unusable"
    MESSAGES_FAILING = "messages_failing"
    WORKER_DEAD = "worker_dead"
    WORKER_MISSING = "worker_missing"
    RETRIES_LATE = "retries_late"
    NEEDS_A_PERSON = "needs_a_person"
    RUN_FAILED = "run_failed"
    RUN_LATE = "run_late"
    ALERTS_FAILING = "alerts_failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem, and a sentence that says what to do about it."""

    code: Code
    text: str
    is_recovering: bool = False
    """Whether its reason is over, and only its consequences are left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """How many workers run, how many vanished without being stopped, and whether one was seen
    lately or is expected from cron."""

    alive: int = 0
    dead: int = 0
    is_missing: bool = False
    last_beat_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """Messages that the database could not take: on this machine's disk, or refused."""

    is_usable: bool = True
    stored: int = 0
    """Still on the disk."""
    refused: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """The vital signs; all of them are cheap to read, however large the tables are. What could not
    be read keeps its default."""

    at: datetime
    unreadable: tuple[str, ...] = ()
    is_writable: bool = True
    spooled: Spooled = field(default_factory=Spooled)
    recent: Sequence[Recent] = ()
    is_healing: bool = False
    """Whether more failures were closed than opened in the last minute."""
    workers: Workers | None = None
    oldest_due_at: datetime | None = None
    parked: int | None = None
    last_run: SyncRun | None = None
    failing_deliveries: int | None = None


def status_of(problems: Iterable[Problem]) -> Status:
    found = {problem.is_recovering for problem in problems}
    if False in found:
        return Status.DEGRADED
    return Status.RECOVERING if found else Status.OK


def diagnose(vitals: Vitals) -> Iterator[Problem]:
    """Yield the problems that these vital signs show. Pure."""
    yield from _diagnose_database(vitals)
    yield from _diagnose_messages(vitals)
    yield from _diagnose_workers(vitals)
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


def _diagnose_database(vitals: Vitals) -> Iterator[Problem]:
    if vitals.unreadable:
        yield Problem(
            code=Code.UNREADABLE,
            text=f"These could not be read: {', '.join(vitals.unreadable)}. A table is locked or "
            "broken: look for a long transaction or a migration, and at the log.",
        )
    if not vitals.is_writable:
        yield Problem(
            code=Code.NOT_WRITABLE,
            text="The database takes no messages right now: it is read-only, or somebody holds a "
            "lock. End that transaction or migration, or see whether this is a standby.",
        )


def _diagnose_messages(vitals: Vitals) -> Iterator[Problem]:
    spooled = vitals.spooled
    quiet = vitals.at - spooled.last_at if spooled.last_at else timedelta.max
    if spooled.refused and quiet <= FORGOTTEN_AFTER:
        yield Problem(
            code=Code.MESSAGES_REFUSED,
            text=f"{spooled.refused:,} messages were refused, because neither the database nor "
            "this server's disk could take them. Free space on the disk, and look at the log.",
            is_recovering=quiet > OVER_AFTER,
        )
    if spooled.stored:
        yield Problem(
            code=Code.MESSAGES_STORED,
            text=f"{spooled.stored:,} messages wait on this server's disk until the database takes "
            "them. They come in by themselves.",
            is_recovering=quiet > OVER_AFTER,
        )
    if not spooled.is_usable:
        yield Problem(
            code=Code.SPOOL_UNUSABLE,
            text="This server's disk takes no messages: if the database goes away now, they are "
            "lost. Look at the owner and the free space of LEADSYNC_SPOOL_DIR, and at the log; if "
            "its file is damaged, move it away.",
        )
    for recent in vitals.recent:
        if recent.is_over_limit and recent.behind:
            yield _failing(recent, is_over=recent.goes_through(vitals.at))


def _failing(recent: Recent, *, is_over: bool) -> Problem:
    now = (
        f"The newest ones do; {recent.behind:,} have still to be retried."
        if is_over
        else "Look at the open failures: each says what to do."
    )
    return Problem(
        code=Code.MESSAGES_FAILING,
        text=f"{recent.failed:,} messages of the last {RATE_MINUTES} minutes ({recent.ratio:.0%}, "
        f"limit {recent.limit} %) did not reach their lead in {recent.where}. {now}",
        is_recovering=is_over,
    )


def _diagnose_workers(vitals: Vitals) -> Iterator[Problem]:
    workers = vitals.workers or Workers()
    if workers.dead and not workers.alive:
        yield Problem(
            code=Code.WORKER_DEAD,
            text=f"A worker was killed or hangs, and no other is running. {START_ONE}",
        )
    elif workers.is_missing:
        minutes = MISSING_AFTER // timedelta(minutes=1)
        yield Problem(
            code=Code.WORKER_MISSING,
            text=f"No worker has been seen for {minutes} minutes: nothing is retried, and nobody "
            f"is alerted. {START_ONE}",
        )
    if vitals.oldest_due_at and vitals.at - vitals.oldest_due_at > LATE:
        late = (vitals.at - vitals.oldest_due_at) // timedelta(minutes=1)
        is_over = bool(workers.alive and vitals.is_healing)
        if is_over:
            why = "the workers are catching up."
        elif workers.alive:
            why = "the workers do not keep up. Start another one."
        else:
            why = f"no worker is running. {START_ONE}"
        yield Problem(
            code=Code.RETRIES_LATE,
            text=f"A retry is {late} minutes late: {why}",
            is_recovering=is_over,
        )


def _diagnose_run(vitals: Vitals) -> Iterator[Problem]:
    run = vitals.last_run
    if run and run.finished_at and run.error not in ("", STOPPED):
        yield Problem(
            code=Code.RUN_FAILED,
            text=f"The last reconciliation was not completed: {run.error} Look at the log, then "
            "run `manage.py reconcile`.",
        )
    if run and vitals.workers and vitals.workers.alive and vitals.at - run.beat_at > RUN_LATE:
        yield Problem(
            code=Code.RUN_LATE,
            text="The last reconciliation is over 3 hours old, though a worker is running. "
            "Restart the worker and look at its log.",
        )
