"""Database helpers: batches, capped counts, second tries, connections."""

import select
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import psycopg
from django.core.exceptions import EmptyResultSet
from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.utils.formats import number_format
from psycopg.errors import LockNotAvailable, QueryCanceled, ReadOnlySqlTransaction
from psycopg_pool import PoolTimeout

BATCH_SIZE = 500
"""The most rows in one transaction: SQLite has one writer, and the bot must not wait."""
CAP = 10_000
"""Counting stops just above it: an exact count of a million rows costs more than its page."""
MAX_RACES = 5
"""Second tries of what another request was faster with: each such race has a winner."""
LOST = (OperationalError, InterfaceError)
"""The connection or the transaction is lost; the data is not, and can be written again."""
CHECK = ""
"""What the pool's own check executes."""

T = TypeVar("T")


def batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Split the rows into slices of BATCH_SIZE."""
    return (rows[start : start + BATCH_SIZE] for start in range(0, len(rows), BATCH_SIZE))


def capped_count(rows: Any) -> int:
    """Count the rows of a queryset, at most to one over CAP."""
    return rows.order_by()[: CAP + 1].count()


def capped_counts(*found: Any, most: int = CAP) -> list[int]:
    """Count the rows of each of these querysets, at most to one over `most`: in one statement."""
    columns, values = [], []
    for rows in found:
        try:
            sql, params = rows.order_by().values("pk")[: most + 1].query.sql_with_params()
        except EmptyResultSet:  # it is clear without asking that there are none
            columns.append("0")
        else:
            columns.append(f"(SELECT COUNT(*) FROM ({sql}) AS found)")  # noqa: S608 (Django's own)
            values.extend(params)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(columns)}", values)
        return list(cursor.fetchone())


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


def raise_if_transaction_is_lost() -> None:
    """Re-raise the exception being handled if the surrounding transaction cannot commit any more.

    If the connection dies inside a savepoint, Django's outer `atomic()` can end without an error
    and without a commit; the bot would be told that its message is safe.
    """
    if connection.needs_rollback or connection.closed_in_transaction:
        raise  # noqa: PLE0704 (called from an except block)


class PooledConnection(psycopg.Connection[Any]):
    """A connection whose idle check asks its socket: whoever was hung up on has something to read.

    What this cannot see, such as a server that vanished, is found by the next statement, and every
    request that a bot may lose is tried again.
    """

    def execute(self, query: Any, *args: Any, **kwargs: Any) -> psycopg.Cursor[Any]:
        if query != CHECK:
            return super().execute(query, *args, **kwargs)
        readable, _writable, _broken = select.select([self.fileno()], [], [], 0)
        if readable:
            return super().execute(query)
        return self.cursor()
