"""Queries that cost less: compiled once, because Django compiles as long as the database reads, or
believed for a second."""

import json
import re
import time
from collections.abc import Callable, Hashable
from functools import cached_property
from typing import Any, Generic, TypeVar

import orjson
import psycopg
from django.conf import settings
from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import JSONField, QuerySet
from django.db.models.query import get_related_populators  # type: ignore[attr-defined]
from psycopg.pq import Format

from leadsync.infra.waits import limit_of_next

MAX_SHAPES = 500
"""Of querysets kept compiled. A caller can make many by the length of pages."""
BELIEVED_FOR = 1.0
"""How long a process may believe what has changed meanwhile."""
MAX_BELIEFS = 1000
TIMESTAMPTZ = psycopg.adapters.types["timestamptz"].oid
TIMES = psycopg.adapters.get_loader(TIMESTAMPTZ, Format.TEXT)
"""psycopg's own, in C. Django's takes three quarters of the time of reading a page of leads."""
LONG_NUMBER = re.compile(r"\d{19}")

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class CompiledQuery:
    """A queryset that is compiled at its first use, and then run with other values.

    Compiling takes 0.3 to 0.6 ms, several times what the database needs, and Django does it for
    every query. `make` returns the queryset with sample values; a call passes the real ones, in the
    order in which they stand in the SQL.
    """

    def __init__(self, make: Callable[[], QuerySet[Any, Any]]) -> None:
        self.make = make

    def __call__(self, *params: Any) -> list[Any]:
        """Return the rows as instances of the queryset's model, with what it selects related.

        Outside of a transaction, and as the first statement of some, the limit of its waits for a
        lock travels with it.
        """
        compiled = self._compiled
        limit = limit_of_next()
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            read_times_fast(cursor)
            if limit and not settings.LEADSYNC_DB_DIRECT:
                cursor.execute(f"{limit}; {compiled.sql}", params)
                cursor.nextset()
            else:
                if limit:  # a direct connection's statements are prepared, one by one
                    cursor.execute(limit)
                cursor.execute(compiled.sql, params)
            rows = cursor.fetchall()
        rows = compiled.compiler.apply_converters(rows, compiled.converters)
        return [compiled.instance(row) for row in rows]

    @cached_property
    def _compiled(self) -> "_Compiled":
        return _Compiled(self.make())


class _Compiled:
    """What `QuerySet` computes for each run, kept: the SQL, and how a row becomes an instance."""

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


def read_times_fast(cursor: Any) -> None:
    """Let psycopg read times in C, if this is one of its cursors."""
    if hasattr(cursor, "adapters"):
        cursor.adapters.register_loader("timestamptz", TIMES)


def read_json(text: str | None, _column: Any, _connection: Any) -> Any:
    """Read JSON as Django does, in a tenth of the time; what orjson would round or refuse,
    integers of more than 64 bits and lone surrogates, is left to json."""
    if text is None:
        return None
    try:
        return json.loads(text) if LONG_NUMBER.search(text) else orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(text)


def rows_of(queryset: QuerySet[Any, Any]) -> list[dict[str, Any]]:
    """Return the rows of a `values()` queryset without aggregates, compiled once for each shape.

    Columns and joins take most of the time of compiling. The conditions are compiled each time:
    their text finds the rest, because querysets of one shape differ in values only.
    """
    query: Any = queryset.query
    names = tuple(query.selected)
    try:
        where, params = query.where.as_sql(query.get_compiler(connection=connection), connection)
    except EmptyResultSet:
        return []
    except FullResultSet:
        where, params = "", []
    key = query.model, names, where, query.order_by, query.low_mark, query.high_mark
    shape = _shapes.get(key)
    if shape is None:
        if len(_shapes) >= MAX_SHAPES:
            _shapes.clear()
        shape = _shapes[key] = _Shape(queryset, conditions=len(params))
    return [dict(zip(names, row, strict=True)) for row in shape.fetch(params)]


class _Shape:
    """The SQL of a queryset, and the values in it that stand before those of its conditions."""

    def __init__(self, queryset: QuerySet[Any, Any], *, conditions: int) -> None:
        self.compiler: Any = queryset.query.get_compiler(connection=connection)
        self.sql, params = self.compiler.as_sql()
        self.before = params[: len(params) - conditions]
        self.converters = self.compiler.get_converters(
            [column for column, *_ in self.compiler.select]
        )
        for place, (_converters, column) in self.converters.items():
            if type(column.output_field) is JSONField:
                self.converters[place] = [read_json], column

    def fetch(self, params: Any) -> Any:
        with connection.cursor() as cursor:
            read_times_fast(cursor)
            cursor.execute(self.sql, (*self.before, *params))
            rows = cursor.fetchall()
        return self.compiler.apply_converters(rows, self.converters)


_shapes: dict[Any, _Shape] = {}


class Belief(Generic[K, V]):
    """What `read` returned for each argument lately, if that hardly ever changes, as with keys.

    Each query less is a tenth of a message's time. That there is nothing is never believed.
    """

    def __init__(self, read: Callable[[K], V | None]) -> None:
        self.read = read
        self.kept: dict[K, tuple[V, float]] = {}

    def __call__(self, key: K) -> V | None:
        now = time.monotonic()
        value, until = self.kept.get(key, (None, 0.0))
        if now < until:
            return value
        found = self.read(key)
        if len(self.kept) >= MAX_BELIEFS:
            self.kept.clear()
        if found is None:
            self.kept.pop(key, None)
        else:
            self.kept[key] = found, now + BELIEVED_FOR
        return found
