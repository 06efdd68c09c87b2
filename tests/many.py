"""A database as of a large installation, filled by the database itself: PostgreSQL alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from contacts.models import ChatMessage, Contact, FollowUp, Note, StatusChange, Workspace
from sarah.models import SarahState, StateUpdate

FIRST_NAMES = "Budi Siti Agus Dewi Andi Rina Joko Ani Eko Sri Hadi Wati Rudi Yuni Dedi Lina Iwan"
LAST_NAMES = "Santoso Wijaya Lestari Saputra Hidayat Kurniawan Pratama Utami Setiawan Rahayu Halim"
BUSINESSES = "kopi bakso toko laundry bengkel salon katering mebel"
CHATTING = 10
"""One lead in so many has written in a chat that we keep."""
OWNED = 100
"""One lead in so many is the owner's: ten thousand of a million are more than a person has."""


def nth(words: str, number: str) -> str:
    listed = ", ".join(f"'{word}'" for word in words.split())
    return f"(ARRAY[{listed}])[1 + {number} % {len(words.split())}]"


PHONE = "'+62812' || lpad(n::text, 8, '0')"
STATUS = (
    "(ARRAY['archived', 'converted', 'contacted', 'qualified'] "
    "|| array_fill('new'::text, ARRAY[16]))[1 + n % 20]"
)
HEARD = "now() - n * interval '3 minutes'"
HANDED_OVER = "CASE WHEN n % 20 = 2 THEN now() - n * interval '5 minutes' END"
LEADS = {
    "phone": PHONE,
    "name": f"{nth(FIRST_NAMES, 'n')} || ' ' || {nth(LAST_NAMES, 'n')}",
    "business_type": nth(BUSINESSES, "n"),
    "lead_score": "n % 101",
    "lead_temperature": nth("hot warm lukewarm cold", "n"),
    "lead_status": STATUS,
    "status_changed_at": "now() - n * interval '5 minutes'",
    "status_changed_by": "CASE WHEN n % 3 = 0 THEN 'dewi' ELSE 'sarah-bot' END",
    "last_activity_at": HEARD,
    "created_at": "now() - n * interval '6 minutes'",
    "answer_by": "CASE WHEN n % 20 = 2 THEN now() - n * interval '4 minutes' END",
    "handed_over_at": HANDED_OVER,
    "handed_over_as": "'hot'",
    "answered_at": "CASE WHEN n % 20 = 2 AND n > 500 THEN now() - n * interval '4 minutes' END",
}


def fill(workspace: Workspace, *, leads: int, owner: User | None = None) -> None:
    """Add so many leads; each has a conversation with a message, and a history."""
    whose = {"assigned_to_id": f"CASE WHEN n % {OWNED} = 0 THEN {owner.pk} END"} if owner else {}
    lead = copies(Contact(workspace=workspace), leads, LEADS | whose)
    of_lead = {"contact_id": f"{lead} + n - 1"}
    said = {
        **{name: LEADS[name] for name in ("lead_score", "lead_temperature")},
        **of_lead,
        "contact_phone": PHONE,
        **dict.fromkeys(("synced_at", "updated_at", "created_at"), HEARD),
        "state": nth("greeting qualifying scoring handoff completed", "n"),
    }
    conversation = SarahState(workspace=workspace, extracted_data={"name": "Budi"}, message_count=1)
    state = copies(conversation, leads, said)
    message = StateUpdate(body='{"lead_score": 55}' * 10, outcome="synced", duration_ms=5)
    copies(message, leads, {"state_id": f"{state} + n - 1", "received_at": HEARD})
    moved = StatusChange(from_status="new", by="sarah-bot", actor_kind="bot")
    copies(moved, leads, of_lead | {"to": "'qualified'", "at": LEADS["created_at"]})
    every = {**of_lead, "contact_id": f"{lead} + n * {CHATTING} - 1"}
    note = Note(text="Called.", kind="call", author="dewi", author_kind="person")
    copies(note, leads // CHATTING, every | {"created_at": HEARD})
    step = FollowUp(text="Call", created_by="dewi", assigned_to=owner)
    copies(step, leads // CHATTING, every | {"due_at": f"{HEARD} + interval '1 day'"})
    chat = ChatMessage(workspace=workspace, author="lead", type="text", text="Halo, masih ada?")
    phone = f"'+62812' || lpad((n * {CHATTING})::text, 8, '0')"
    wamids = {"wamid": "'wamid.' || n", "contact_phone": phone, "sent_at": HEARD}
    copies(chat, leads // CHATTING, wamids)


def copies(row: Any, count: int, columns: dict[str, str]) -> int:
    """Insert so many rows like this one, which is not saved, but for these columns: SQL, in which
    `n` counts from 1. Returns the first one's key."""
    meta = row._meta
    fields = [field for field in meta.local_concrete_fields if not field.primary_key]
    names = ", ".join(f'"{field.column}"' for field in fields)
    values = {
        field.column: field.get_db_prep_save(field.pre_save(row, add=True), connection)
        for field in fields
        if field.column not in columns
    }
    picked = [columns.get(field.column, "%s").replace("n % ", "n %% ") for field in fields]
    with connection.cursor() as cursor, without_indexes(cursor, meta.db_table):
        cursor.execute(
            f'INSERT INTO "{meta.db_table}" ({names}) SELECT {", ".join(picked)} '
            f"FROM generate_series(1, {count}) AS n",
            list(values.values()),
        )
        cursor.execute(f"SELECT currval(pg_get_serial_sequence('{meta.db_table}', 'id'))")
        return int(cursor.fetchone()[0]) - count + 1


@contextmanager
def without_indexes(cursor: Any, table: str) -> Iterator[None]:
    """Make its indexes anew afterwards, which takes a tenth of the time; unique ones stay."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s "
        "AND indexdef NOT LIKE 'CREATE UNIQUE %%'",
        [table],
    )
    made = cursor.fetchall()
    cursor.execute("SET statement_timeout = 0; SET maintenance_work_mem = '512MB'")
    for name, _definition in made:
        cursor.execute(f'DROP INDEX "{name}"')
    yield
    # No index is made while a foreign key is still to be checked.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
    for _name, definition in made:
        cursor.execute(definition)
    cursor.execute("RESET statement_timeout; RESET maintenance_work_mem")
