"""Writes several rows in one statement: each round trip to the database costs as much as the write.

On PostgreSQL the writes are common table expressions of one statement; SQLite, which runs in our
own process, gets one after the other.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import NoneType
from typing import Any, ClassVar, Self
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection, connections, models
from django.db.models.base import ModelState
from django.db.models.signals import post_save

PLAIN = frozenset({str, int, bool, datetime, UUID, NoneType})
"""What psycopg takes as it is: asking each field how to write it costs more than writing it."""
_collected: ContextVar["list[Write] | None"] = ContextVar("collected", default=None)


@dataclass(frozen=True, slots=True)
class Write:
    """An insert, or an update of these fields of a row that its transaction has locked."""

    row: models.Model
    names: tuple[str, ...]
    is_insert: bool

    @property
    def shape(self) -> tuple[type[models.Model], tuple[str, ...], bool]:
        return type(self.row), self.names, self.is_insert

    def values(self, database: Any) -> list[Any]:
        as_they_are = PLAIN if database.vendor == "postgresql" else ()
        values = []
        for field, is_stamp in _fields(type(self.row), self.names):
            value = getattr(self.row, field.attname)
            if is_stamp:
                value = field.pre_save(self.row, self.is_insert)
            is_plain = type(value) in as_they_are and not isinstance(field, models.JSONField)
            values.append(value if is_plain else field.get_db_prep_save(value, database))
        return values if self.is_insert else [*values, self.row.pk]


@contextmanager
def as_one_statement() -> Iterator[None]:
    """Send what is saved in this block as one statement at its end; nothing if the block raises.

    `post_save` is sent as ever. Ids of inserted rows are not known. A row is saved once at most.
    """
    writes: list[Write] = []
    token = _collected.set(writes)
    try:
        yield
    finally:
        _collected.reset(token)
    _send(writes)


class Collected(models.Model):
    """A model whose saves of locked or new rows can be sent together with others."""

    postgresql_marks: ClassVar[dict[str, str]] = {}
    """By field: what an insert says for its value instead of `%s`."""

    class Meta:
        abstract = True

    def save(
        self,
        *args: Any,
        force_insert: Any = False,
        update_fields: Iterable[str] | None = None,
        **options: Any,
    ) -> None:
        writes = _collected.get()
        if writes is None or not (force_insert or update_fields):
            super().save(*args, force_insert=force_insert, update_fields=update_fields, **options)
            return
        names = tuple(sorted(update_fields)) if update_fields else _inserted(type(self))
        writes.append(Write(self, names, is_insert=bool(force_insert)))
        post_save.send(
            sender=type(self),
            instance=self,
            created=bool(force_insert),
            update_fields=frozenset(update_fields) if update_fields else None,
            raw=False,
            using=DEFAULT_DB_ALIAS,
        )

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Any) -> Self:
        """Make the instance of a row.

        Django's own calls `__init__`, which sets field by field and sends two signals.
        """
        if len(values) != len(cls._meta.concrete_fields):
            return super().from_db(db, field_names, values)
        row = cls.__new__(cls)
        row.__dict__.update(zip(field_names, values, strict=True))
        row._state = ModelState()
        row._state.adding, row._state.db = False, db
        return row


def _send(writes: Sequence[Write]) -> None:
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql":
        writes = writes[::-1]  # it executes the last one first, then those of WITH backwards
    values = [write.values(database) for write in writes]
    shapes = [write.shape for write in writes]
    with database.cursor() as cursor:
        if database.vendor == "postgresql":
            cursor.execute(_together(tuple(shapes)), [one for row in values for one in row])
            return
        for shape, row in zip(shapes, values, strict=True):
            cursor.execute(_statement(*shape), row)


@cache
def _together(shapes: tuple[Any, ...]) -> str:
    *others, last = (_statement(*shape) for shape in shapes)
    parts = ", ".join(f"w{number} AS ({sql})" for number, sql in enumerate(others))
    return f"WITH {parts} {last}" if parts else last


@cache
def _statement(model: Any, names: tuple[str, ...], is_insert: bool) -> str:
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    columns = [quote(model._meta.get_field(name).column) for name in names]
    if is_insert:
        special = model.postgresql_marks if connection.vendor == "postgresql" else {}
        marks = ", ".join(special.get(name, "%s") for name in names)
        return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"  # noqa: S608 (names of ours)
    pairs = ", ".join(f"{column} = %s" for column in columns)
    key = quote(model._meta.pk.column)
    return f"UPDATE {table} SET {pairs} WHERE {key} = %s"  # noqa: S608 (names of ours)


@cache
def _fields(model: type[models.Model], names: tuple[str, ...]) -> list[tuple[Any, bool]]:
    """The fields, and of each whether it sets its value itself when it is saved."""
    fields: list[Any] = [model._meta.get_field(name) for name in names]
    stamps = ("auto_now", "auto_now_add")
    return [(field, any(getattr(field, one, False) for one in stamps)) for field in fields]


@cache
def _inserted(model: type[models.Model]) -> tuple[str, ...]:
    return tuple(field.name for field in model._meta.concrete_fields if not field.primary_key)
