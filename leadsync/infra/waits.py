"""How long a request waits for locks: for each, for all together, and less if others wait as well.

So threads of the process stay free for other bots.
"""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from threading import BoundedSemaphore

from django.conf import settings
from django.db import Error, OperationalError, connection, transaction

from leadsync.infra.db import is_busy, is_connected

SQLITE_WAIT_MS = 2000
LAST_WAIT_MS = 50
"""How long a message waits for each lock after its deadline."""
READ_WAIT_MS, WRITE_WAIT_MS = 150, 500
"""For locks, of what only looks: the health of the sync must be known within a second."""
SEATS = 3
"""So many messages may wait as long as usual; a process has four threads by default."""
CROWDED_MS = 200
IN_VAIN_MS = 100
"""Once a message has waited in vain, the next ones do not wait as long."""
IN_VAIN_FOR = 2.0
"""Seconds."""
_limit: ContextVar[int | None] = ContextVar("limit", default=None)
_is_due: ContextVar[bool] = ContextVar("is_due", default=False)
"""Whether the transaction's limit is still to be sent, with its first statement."""
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)
"""When the waits of this request end (`time.monotonic()`)."""


@contextmanager
def bounded_waits(limit: int | None = None, *, sent_later: bool = False) -> Iterator[None]:
    """A transaction in which no statement waits longer than `limit` milliseconds for a lock.

    By default as long as around it, else LEADSYNC_LOCK_TIMEOUT_MS; on SQLite, which has one lock
    for all, two seconds. With `sent_later` the limit travels with the first statement, which has to
    be a compiled query: that spares a round trip.
    """
    token, due = _limit.set(limit or _limit.get()), _is_due.set(sent_later)
    try:
        if connection.vendor == "sqlite":
            with _sqlite_waits(_limit.get() or SQLITE_WAIT_MS), transaction.atomic():
                yield
        else:
            with transaction.atomic():
                if not sent_later:
                    limit_lock_waits()
                yield
    finally:
        _is_due.reset(due)
        _limit.reset(token)


def bounded_queries() -> AbstractContextManager[None]:
    """Bound the waits of single statements, too. A direct connection bounds them by itself."""
    return bounded_waits() if needs_limits() else nullcontext()


@contextmanager
def one_deadline(seconds: float) -> Iterator[None]:
    """Let all waits for locks in this block, of all its transactions together, end by then."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


def needs_limits() -> bool:
    """Whether each transaction has to limit its waits for locks: a direct connection has the usual
    limit from its start, and SQLite has no row locks."""
    return connection.vendor == "postgresql" and (
        not settings.LEADSYNC_DB_DIRECT or _wait_ms() != settings.LEADSYNC_LOCK_TIMEOUT_MS
    )


def lock_limit() -> str:
    """Return the statement that limits the waits of the transaction it stands in."""
    return f"SET LOCAL lock_timeout = {_wait_ms():d}"


def limit_of_next() -> str:
    """Return what limits the waits of the next statement, blank if something does so already."""
    is_due = _is_due.get() or not connection.in_atomic_block
    _is_due.set(False)
    return lock_limit() if is_due and needs_limits() else ""


def limit_lock_waits() -> None:
    """Limit the waits of this transaction as `bounded_waits` does."""
    if needs_limits():
        with connection.cursor() as cursor:
            cursor.execute(lock_limit())


def heed_deadline() -> None:
    """Let what follows in this transaction wait no longer than the deadline allows: a limit is for
    each wait, and there may be several. Costs nothing until something has waited."""
    is_late = connection.in_atomic_block and _wait_ms() < _usual_wait_ms()
    if is_late and connection.vendor == "postgresql":
        limit_lock_waits()


def _wait_ms() -> int:
    left = (_deadline.get() - time.monotonic()) * 1000
    usual = _usual_wait_ms()
    return usual if left >= usual else max(int(left), LAST_WAIT_MS)


def _usual_wait_ms() -> int:
    return _limit.get() or settings.LEADSYNC_LOCK_TIMEOUT_MS


@contextmanager
def bounded_read(seconds: float) -> Iterator[None]:
    """Read for at most so long, a moment of it waiting for locks.

    SQLite's readers wait for nobody, so there it does nothing.
    """
    if connection.vendor == "sqlite":
        yield
        return
    left = max(round(seconds * 1000), 1)
    is_inner = connection.in_atomic_block
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true), "
            "set_config('statement_timeout', %s, true)",
            [str(min(left, READ_WAIT_MS)), str(left)],
        )
        yield
        if is_inner:
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")


def can_write(*tables: str) -> bool:
    """Whether rows of these tables can be written now; writes nothing, and waits half a second.

    False if the database is read-only, somebody holds a table (or SQLite's one lock), or a table
    is broken. A full disk shows only in what is really written.
    """
    try:
        if connection.vendor == "sqlite":
            with bounded_waits(WRITE_WAIT_MS), connection.cursor() as cursor:
                cursor.execute(
                    "PRAGMA user_version = 0"
                )  # rolled back; BEGIN alone takes a read-only file
                transaction.set_rollback(True)
                return True
        with bounded_read(WRITE_WAIT_MS / 1000), connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN ROW EXCLUSIVE MODE")
            cursor.execute("SHOW transaction_read_only")
            return bool(cursor.fetchone() == ("off",))
    except Error:
        if not is_connected():
            raise
        return False


@contextmanager
def _sqlite_waits(milliseconds: int) -> Iterator[None]:
    with connection.cursor() as cursor:
        ((usual,),) = cursor.execute("PRAGMA busy_timeout").fetchall()
        cursor.execute(f"PRAGMA busy_timeout = {milliseconds:d}")
    try:
        yield
    finally:
        if connection.connection is not None:
            with connection.cursor() as cursor:
                cursor.execute(f"PRAGMA busy_timeout = {usual:d}")


class Patience:
    """The patience of one process."""

    def __init__(self) -> None:
        self.seats = BoundedSemaphore(SEATS)
        self.in_vain_until = 0.0

    @contextmanager
    def waits(self) -> Iterator[int | None]:
        """The longest wait in milliseconds, None as usual."""
        is_seated = self.seats.acquire(blocking=False)
        try:
            if time.monotonic() < self.in_vain_until:
                yield IN_VAIN_MS
            elif is_seated or connection.vendor == "sqlite":  # its one lock is always contended
                yield None
            else:
                yield CROWDED_MS
        finally:
            if is_seated:
                self.seats.release()

    def note(self, error: BaseException) -> None:
        """Note an error; if somebody held a lock for too long, the next ones wait less."""
        if isinstance(error, OperationalError) and is_busy(error):
            self.in_vain_until = time.monotonic() + IN_VAIN_FOR


patience = Patience()
