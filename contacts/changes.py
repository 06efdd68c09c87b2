"""What changed with leads, in order: for programs that keep a copy of them.

Each change is found by its time. A transaction stamps its rows before it commits, so a change may
become visible after later ones: whoever has read everything reads from `settled_before()` on again,
before which nothing more can appear.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models import Q, QuerySet

from contacts.models import Contact, Departure, StatusChange, Workspace

OVERLAP = timedelta(seconds=10)
"""How far the clocks of our machines may be apart, together with the time from a stamp to the
statement that writes it."""
OLDEST_WRITER = """
SELECT coalesce(min(xact_start), statement_timestamp()) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
AND (backend_xid IS NOT NULL OR wait_event_type = 'Lock')
"""
CLOCK_OF_SQLITE = "SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')"

Row = dict[str, Any]
Place = tuple[datetime, int, int]
"""Where a change stands: its time, the rank of its kind, and the id of its row."""


class Change(models.TextChoices):
    CREATED = "created"
    STATUS = "status"
    UPDATED = "updated"
    """Whatever changed in the lead, its status too."""
    MERGED = "merged"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Rows that tell of changes; `told` makes an entry of one of them."""

    rows: QuerySet[Any]
    at: str
    columns: tuple[str, ...]
    told: Callable[[Row], Row]


def changes_after(place: Place, *, workspace: Workspace | None, size: int) -> list[Row]:
    """Return the first changes behind this place, each with its own `place`."""
    found = [
        entry
        for rank, source in enumerate(_sources(workspace))
        for entry in _first(source, rank, after=place, size=size)
    ]
    return sorted(found, key=lambda entry: entry["place"])[:size]


def settled_before() -> datetime:
    """Return a time before which no further change can appear. Ask before you read.

    On PostgreSQL a transaction that has written is known, however long it takes; on SQLite there is
    one at a time, and a short one.
    """
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(OLDEST_WRITER)
            oldest = cursor.fetchone()[0]
        else:
            cursor.execute(CLOCK_OF_SQLITE)
            oldest = datetime.fromisoformat(cursor.fetchone()[0]).replace(tzinfo=UTC)
    moment: datetime = oldest - OVERLAP
    return moment


def _sources(workspace: Workspace | None) -> list[Source]:
    here = Q(workspace=workspace) if workspace else Q()
    of_lead = Q(contact__workspace=workspace) if workspace else Q()
    leads = Contact.objects.filter(here)
    moves = ("contact_id", "from_status", "to", "by", "actor_kind", "archive_reason", "reason")
    return [
        Source(rows=leads, at="created_at", columns=(), told=_of_lead(Change.CREATED)),
        Source(rows=StatusChange.objects.filter(of_lead), at="at", columns=moves, told=_move),
        Source(rows=leads, at="updated_at", columns=(), told=_of_lead(Change.UPDATED)),
        Source(
            rows=Departure.objects.filter(here),
            at="at",
            columns=("lead_id", "how", "into_id"),
            told=_departure,
        ),
    ]


def _first(source: Source, rank: int, *, after: Place, size: int) -> Iterator[Row]:
    at, after_rank, pk = after
    behind = Q(**{f"{source.at}__gte" if rank > after_rank else f"{source.at}__gt": at})
    if rank == after_rank:
        behind |= Q(**{source.at: at, "pk__gt": pk})
    rows = source.rows.filter(behind, **{f"{source.at}__gte": at}).order_by(source.at, "pk")
    for row in rows.values("pk", source.at, *source.columns)[:size]:
        place = row[source.at], rank, row["pk"]
        yield {"place": place, "at": row[source.at], **source.told(row)}


def _of_lead(kind: Change) -> Callable[[Row], Row]:
    return lambda row: {"kind": kind.value, "id": row["pk"], "details": {}}


def _move(row: Row) -> Row:
    names = ("from_status", "to", "by", "actor_kind", "archive_reason", "reason")
    details = {name: row[name] for name in names}
    return {"kind": Change.STATUS.value, "id": row["contact_id"], "details": details}


def _departure(row: Row) -> Row:
    details = {"into": row["into_id"]} if row["into_id"] else {}
    return {"kind": row["how"], "id": row["lead_id"], "details": details}
