"""Diagnoses problems of the sync from a few vital signs. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.utils.functional import lazy

from leadsync.infra.db import shown_count
from monitoring.health.problems import (
    CATCHING_UP,
    LOOK_AT_FAILURES,
    NEWEST_ARRIVE,
    START_ANOTHER,
    START_ONE,
    Code,
    Problem,
    problem,
)
from monitoring.health.recent import Recent
from monitoring.limits import LATE, RATE_MINUTES
from monitoring.models.runs import MISSING_AFTER, STOPPED, SyncRun
from monitoring.sentences import in_words

RUN_LATE = timedelta(hours=3)
OVER_AFTER = timedelta(seconds=10)
"""If no message had to be stored or refused for this long, that is over."""
A_MINUTE = timedelta(minutes=1)
FORGOTTEN_AFTER = A_MINUTE


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


def diagnose(vitals: Vitals) -> Iterator[Problem]:
    """Yield the problems that these vital signs show. Pure."""
    if vitals.unreadable:
        yield problem(Code.UNREADABLE, parts=", ".join(vitals.unreadable))
    if not vitals.is_writable:
        yield problem(Code.NOT_WRITABLE)
    yield from _diagnose_messages(vitals)
    yield from _diagnose_workers(vitals)
    if vitals.parked:
        yield problem(Code.NEEDS_A_PERSON, count=shown_count(vitals.parked))
    yield from _diagnose_run(vitals)
    if vitals.failing_deliveries:
        yield problem(Code.ALERTS_FAILING, count=shown_count(vitals.failing_deliveries))


def _diagnose_messages(vitals: Vitals) -> Iterator[Problem]:
    spooled = vitals.spooled
    quiet = vitals.at - spooled.last_at if spooled.last_at else timedelta.max
    is_over = quiet > OVER_AFTER
    if spooled.refused and quiet <= FORGOTTEN_AFTER:
        yield problem(Code.MESSAGES_REFUSED, count=spooled.refused, is_recovering=is_over)
    if spooled.stored:
        yield problem(Code.MESSAGES_STORED, count=spooled.stored, is_recovering=is_over)
    if not spooled.is_usable:
        yield problem(Code.SPOOL_UNUSABLE)
    for recent in vitals.recent:
        if recent.is_over_limit and recent.behind:
            yield _failing(recent, is_over=recent.goes_through(vitals.at))


def _failing(recent: Recent, *, is_over: bool) -> Problem:
    return problem(
        Code.MESSAGES_FAILING,
        failed=recent.failed,
        minutes=RATE_MINUTES,
        percent=round(100 * recent.ratio),
        limit=recent.limit,
        where=recent.where,
        what=NEWEST_ARRIVE if is_over else LOOK_AT_FAILURES,
        is_recovering=is_over,
    )


def _diagnose_workers(vitals: Vitals) -> Iterator[Problem]:
    workers = vitals.workers or Workers()
    if workers.dead and not workers.alive:
        yield problem(Code.WORKER_DEAD, start=START_ONE)
    elif workers.is_missing:
        yield problem(Code.WORKER_MISSING, minutes=MISSING_AFTER // A_MINUTE, start=START_ONE)
    late = vitals.at - (vitals.oldest_due_at or vitals.at)
    if late > LATE:
        is_over = bool(workers.alive and vitals.is_healing)
        what = CATCHING_UP if is_over else START_ANOTHER if workers.alive else START_ONE
        minutes = late // A_MINUTE
        yield problem(Code.RETRIES_LATE, minutes=minutes, what=what, is_recovering=is_over)


def _diagnose_run(vitals: Vitals) -> Iterator[Problem]:
    run = vitals.last_run
    if run and run.finished_at and run.error not in ("", STOPPED):
        yield problem(Code.RUN_FAILED, error=lazy(in_words, str)(run.error))
    if run and vitals.workers and vitals.workers.alive and vitals.at - run.beat_at > RUN_LATE:
        yield problem(Code.RUN_LATE, hours=RUN_LATE // timedelta(hours=1))
