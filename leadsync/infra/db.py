"""Database helpers: batches, capped counts, bounded waits, second tries."""

import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any, TypeVar

from django.conf import settings
from django.db import (
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    transaction,
)
from django.utils.formats import number_format
from psycopg.errors import LockNotAvailable, QueryCanceled, ReadOnlySqlTransaction
from psycopg_pool import PoolTimeout

BATCH_SIZE = 500
"""The most rows in one transaction: SQLite has one writer, and the bot must not wait."""
CAP = 10_000
"""Counting stops just above it: an exact count of a million rows costs more than its page."""
MAX_RACES = 5
"""Second tries of what another request was faster with: each such race has a winner."""
SQLITE_WAIT_MS = 2000
LAST_WAIT_MS = 50
"""How long a message waits for each lock after its deadline."""
READ_WAIT_MS, WRITE_WAIT_MS = 150, 500
"""For locks, of what only looks: the health of the sync must be known within a second."""
LOST = (OperationalError, InterfaceError)
"""The connection or the transaction is lost; the data is not, and can be written again."""

T = TypeVar("T")
_limit: ContextVar[int | None] = ContextVar("limit", default=None)
_is_due: ContextVar[bool] = ContextVar("is_due", default=False)
"""Whether the transaction's limit is still to be sent, with its first statement."""
_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)
"""When the waits of this request end (`time.monotonic()`)."""


def batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split the rows into slices of BATCH_SIZE."""
    return (rows[start : start + BATCH_SIZE] for start in range(0, len(rows), BATCH_SIZE))


def capped_count(rows: Any) -> int:
    """Count the rows of a queryset, at most to one over CAP."""
    return rows.order_by()[: CAP + 1].count()


def shown_count(count: int) -> str:
    """Render a capped count: “10,000+” if it is over CAP."""
    return f"{number_format(min(count, CAP), force_grouping=True)}{'+' if count > CAP else ''}"


def past_races(run: Callable[[], T]) -> T:
    """Call `run` again if another request inserted the row that it was to insert.

    The next call finds that row, and every such race has a winner.
    """
    for _race in range(MAX_RACES):
        try:
            return run()
        except IntegrityError:
            continue
    return run()


def with_second_try(run: Callable[[], T]) -> T:
    """Call `run`, and once more on a new connection if the first is lost or loses a deadlock.

    Not after a lock time-out, a cancelled statement, or a wait for a free connection: it would wait
    as long again.
    """
    try:
        return past_races(run)
    except LOST as error:
        if is_busy(error) or isinstance(error.__cause__, PoolTimeout):
            raise
        connection.close()
    return run()


def is_busy(error: BaseException) -> bool:
    """Whether the database is there, and somebody else held a lock for too long."""
    if isinstance(error.__cause__, LockNotAvailable | QueryCanceled):
        return True
    return isinstance(error.__cause__, sqlite3.OperationalError) and "locked" in str(error)


def is_unavailable(error: BaseException) -> bool:
    """Whether the database could not take what was written: away, locked, full or read-only."""
    return isinstance(error, LOST) or isinstance(error.__cause__, ReadOnlySqlTransaction)


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


def is_connected() -> bool:
    """Whether the connection is there and works."""
    return connection.connection is not None and connection.is_usable()


def connect(*, seconds: float) -> None:
    """Connect if that is still to be done; raises OperationalError if it takes longer.

    The pool's own time-out is longer than a probe may take.
    """
    pool: Any = getattr(connection, "pool", None)
    if connection.connection is None and pool:
        pool.open()
        with connection.wrap_database_errors, pool.connection(timeout=seconds):
            pass


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


def raise_if_transaction_is_lost() -> None:
    """Re-raise the exception being handled if the surrounding transaction cannot commit any more.

    If the connection dies inside a savepoint, Django's outer `atomic()` can end without an error
    and without a commit; the bot would be told that its message is safe.
    """
    if connection.needs_rollback or connection.closed_in_transaction:
        raise  # noqa: PLE0704 (called from an except block)
