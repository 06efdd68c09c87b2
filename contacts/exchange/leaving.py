"""Turns leads into rows, as an export needs them."""

import json
from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from contacts.exchange.files import Cell
from contacts.models import ContactQuerySet
from leadsync.infra.db import BATCH_SIZE

SEPARATOR = "; "
COLUMNS = (
    *("workspace", "phone", "business_scoped_user_id", "name", "whatsapp_name"),
    *("whatsapp_username", "email", "language", "lead_status", "lead_score", "lead_temperature"),
    *("assigned_to", "business_type", "team_size", "pain_points", "goals", "location"),
    *("business_duration", "story", "interest_motivation", "priority", "urgency_level"),
    *("closing_technique", "objection", "source", "tags", "opted_out", "marketing_stopped_at"),
    *("re_engaged_at", "last_activity_at", "last_contact_at", "created_at", "updated_at"),
)
PATHS = {"workspace": "workspace__slug", "assigned_to": "assigned_to__username"}


def rows_of(leads: ContactQuerySet) -> Iterator[list[Cell]]:
    """The header, then a row for each of these leads.

    In slices by primary key: behind pgbouncer, `iterator()` would read all leads into memory, and
    no transaction is held while somebody downloads slowly.
    """
    yield list(COLUMNS)
    paths = [PATHS.get(name, name) for name in COLUMNS]
    leads, last = leads.order_by("pk"), 0
    while batch := list(leads.filter(pk__gt=last).values_list("pk", *paths)[:BATCH_SIZE]):
        yield from ([shown(value) for value in values] for _pk, *values in batch)
        last = batch[-1][0]


def shown(value: object) -> Cell:
    """A value as a cell: an import reads it as the same."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return value
        case datetime():
            return timezone.localtime(value).isoformat(timespec="seconds")
        case list():
            texts = [str(item) for item in value]
            marks = ";\n[" if len(texts) > 1 else ";\n[,"
            fits = not any(mark in text for mark in marks for text in texts)
            return SEPARATOR.join(texts) if fits else json.dumps(texts, ensure_ascii=False)
    return str(value)
