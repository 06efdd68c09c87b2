"""Querysets whose SQL is written once: for the few reads that every message of a bot makes."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]


class CompiledQuery:
    """A queryset that Django compiles at its first use, and that is then run with other values.

    Compiling takes 0.3 to 0.6 ms, several times what the database needs to answer, and Django does
    it for each query anew. `make` returns the queryset with sample values; a call gives the real
    ones, in the order in which they stand in the SQL.
    """

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]) -> None:
        self.make = make

    def __call__(self, *params: Any) -> list[Any]:
        """The rows as instances of the queryset's model, with what it selects related."""
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
    """What `QuerySet` works out for each run, kept: the SQL, and how a row becomes an instance."""

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
