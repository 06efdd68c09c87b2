"""Database helpers: batches, capped counts, retries, compiled queries."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeVar

from django.db import IntegrityError, InterfaceError, OperationalError, connection
from django.db.models import QuerySet
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]
from django.utils.formats import number_format

BATCH_SIZE = 500
"""The most rows in one transaction: SQLite has one writer, and the bot must not wait."""
CAP = 10_000
"""Counting stops just above it: an exact count of a million rows costs more than its page."""
MAX_RACES = 5
"""How often an insert that another request was faster with is retried: each race has a winner."""
LOST = (OperationalError, InterfaceError)
"""The connection or the transaction is lost; the data is not, and can be written again."""

T = TypeVar("T")


def batches(rows: Sequence[T]) -> Iterator[Sequence[T]]:
    """Return the rows in slices of BATCH_SIZE."""
    return (rows[start : start + BATCH_SIZE] for start in range(0, len(rows), BATCH_SIZE))


def capped_count(rows: Any) -> int:
    """Return how many rows a queryset has, at most CAP + 1."""
    return rows.order_by()[: CAP + 1].count()


def shown_count(count: int) -> str:
    """Return a capped count as text: “10,000+” if it is over CAP."""
    return f"{number_format(min(count, CAP), force_grouping=True)}{'+' if count > CAP else ''}"


def past_races(run: Callable[[], T]) -> T:
    """Return the result of `run`, which is retried if another request has just inserted the row
    that it was to insert: the next call finds that row."""
    for _race in range(MAX_RACES):
        try:
            return run()
        except IntegrityError:
            continue
    return run()


def with_second_try(run: Callable[[], T]) -> T:
    """Return the result of `run`, which is retried once on a fresh connection if the database drops
    the first or picks it as a deadlock victim: the bot itself never sends anything twice."""
    try:
        return past_races(run)
    except LOST:
        connection.close()
    return run()


def raise_if_transaction_is_lost() -> None:
    """Re-raise the exception being handled if the surrounding transaction cannot commit any more.

    A connection that died inside a savepoint lets Django's outer `atomic()` end without an error
    and without a commit; the bot would be told that its message is saved.
    """
    if connection.needs_rollback or connection.closed_in_transaction:
        raise  # noqa: PLE0704 (called from an except block)


class CompiledQuery:
    """A queryset that is compiled once, at its first use, and then run with other values.

    Compiling takes 0.3 to 0.6 ms, several times what the database needs to answer, and Django does
    it for every query. `make` returns the queryset with sample values; calls pass the real values,
    in the order in which they stand in the SQL.
    """

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]) -> None:
        self.make = make

    def __call__(self, *params: Any) -> list[Any]:
        """Return the rows as instances of the queryset's model, with what it selects as related."""
        compiled = self._compiled
        with connection.cursor() as cursor:
            cursor.execute(compiled.sql, params)
            rows = cursor.fetchall()
        rows = compiled.compiler.apply_converters(rows, compiled.converters)
        return [compiled.instance(row) for row in rows]

    @cached_property
    def _compiled(self) -> "_Compiled":
        return _Compiled(self.make())


class _Compiled:
    """Keeps what `QuerySet` works out for each run: the SQL, and how a row becomes an instance."""

    def __init__(self, queryset: QuerySet[Any, Any]) -> None:
        self.compiler: Any = queryset.query.get_compiler(connection=connection)
        self.sql, _sample_params = self.compiler.as_sql()
        select, info = self.compiler.select, self.compiler.klass_info
        self.converters = self.compiler.get_converters([column for column, *_ in select])
        own = info["select_fields"]
        self.model = info["model"]
        self.own = slice(own[0], own[-1] + 1)
        self.names = [column.target.attname for column, *_ in select[self.own]]
        self.related = get_related_populators(info, select, connection.alias)

    def instance(self, row: Any) -> Any:
        made = self.model.from_db(connection.alias, self.names, row[self.own])
        for related in self.related:
            related.populate(row, made)
        return made
