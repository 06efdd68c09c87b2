"""With 100,000 leads: whom to call, the numbers and a long timeline, each statement on an index."""

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, Workspace
from tests.callers import Caller
from tests.factories import SarahStateFactory, WorkspaceFactory
from tests.faults import postgresql

pytestmark = [postgresql, pytest.mark.slow, pytest.mark.django_db]

LEADS, ENTRIES = 100_000, 10_000
MOST_BLOCKS = 8_000
"""Of 8 KiB, in memory: some 20 ms."""
LARGE = ("contacts_contact", "contacts_statuschange", "contacts_note", "sarah_stateupdate")
ALL_LEADS = "GROUP BY 1, 2, 3"
"""The one statement that has to read all leads, because it counts them all."""

FILL = """
INSERT INTO contacts_contact (
    workspace_id, phone, name, whatsapp_name, email, language, business_type, pain_points, goals,
    location, business_duration, story, interest_motivation, priority, urgency_level,
    closing_technique, objection, lead_score, lead_temperature, lead_status, status_changed_at,
    status_changed_by, source, tags, opted_out, staff_fields, last_activity_at, created_at,
    updated_at, answer_by, handed_over_at, handed_over_as, answered_at, answered_by
)
SELECT %(workspace)s, '+62812' || lpad(n::text, 8, '0'), 'Lead ' || n, '', '', 'id', 'kopi', '[]',
    '', '', '', '', '', '', '', '', '', n %% 101,
    (ARRAY['hot', 'warm', 'lukewarm', 'cold'])[1 + n %% 4],
    (ARRAY['archived', 'converted', 'contacted', 'qualified'] || array_fill('new'::text, ARRAY[16]))
        [1 + n %% 20],
    now() - n * interval '5 minutes',
    CASE WHEN n %% 3 = 0 THEN 'dewi' ELSE 'sarah-bot' END, '', '[]', false, '[]',
    now() - n * interval '3 minutes', now() - n * interval '6 minutes', now(),
    CASE WHEN n %% 20 = 2 THEN now() - n * interval '4 minutes' END,
    CASE WHEN n %% 20 = 2 THEN now() - n * interval '5 minutes' END, 'hot',
    CASE WHEN n %% 20 = 2 AND n > 500 THEN now() - n * interval '4 minutes' END, ''
FROM generate_series(1, %(leads)s) AS n;
INSERT INTO contacts_statuschange (contact_id, from_status, "to", by, actor_kind, reason, at)
SELECT id, 'new', lead_status, 'dewi', 'person', '', status_changed_at
FROM contacts_contact WHERE lead_status <> 'new'
UNION ALL
SELECT id, 'new', 'qualified', 'sarah-bot', 'bot', '', created_at - n * interval '1 second'
FROM contacts_contact, generate_series(1, 2) AS n;
INSERT INTO contacts_followup (
    contact_id, text, due_at, is_all_day, created_by, created_by_kind, created_at, outcome,
    closed_by
)
SELECT id, 'Call', now() - (id %% 3000) * interval '1 minute' + interval '1 day', false, 'dewi',
    'person', now(), '', ''
FROM contacts_contact WHERE lead_status = 'qualified';
ANALYZE contacts_contact, contacts_statuschange, contacts_followup;
"""
TELL = """
INSERT INTO contacts_note (contact_id, text, kind, author, author_kind, created_at)
SELECT id, 'Called.', 'call', 'dewi', 'person', now() FROM contacts_contact;
INSERT INTO contacts_note (contact_id, text, kind, author, author_kind, created_at)
SELECT %(lead)s, 'Note ' || n, 'note', 'dewi', 'person', now() - n * interval '1 minute'
FROM generate_series(1, %(entries)s) AS n;
INSERT INTO sarah_stateupdate (
    state_id, received_at, body, changes, lead_score, outcome, warnings, duration_ms, request_id
)
SELECT %(state)s, now() - n * interval '1 minute', '{}', '{}', 0, 'synced', '{}', 1, ''
FROM generate_series(1, %(entries)s) AS n;
ANALYZE contacts_note, sarah_stateupdate;
"""


@pytest.fixture
def workspace() -> Workspace:
    workspace = WorkspaceFactory()
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"workspace": workspace.pk, "leads": LEADS})
    return workspace


@pytest.fixture
def caller(workspace: Workspace) -> Caller:
    return Caller("leads:read", workspace=workspace)


def statements_of(caller: Caller, path: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        caller.read(path)
    return [query["sql"] for query in captured if query["sql"].startswith("SELECT")]


def reads_much(statement: str) -> bool:
    """Whether a statement reads a large table from beginning to end, or more than MOST_BLOCKS: that
    is the same on every machine, unlike its time."""
    with connection.cursor() as cursor:
        asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.replace('%', '%%')}"
        cursor.execute(asked, [])
        [found] = cursor.fetchone()[0]
    plan = found["Plan"]
    scanned = re.findall(r'"Seq Scan"[^{}]*?"Relation Name": "(\w+)"', json.dumps(plan))
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return bool({*scanned} & {*LARGE}) or blocks > MOST_BLOCKS


@pytest.mark.parametrize(
    ("path", "count"),
    [("/api/v1/leads/today/", 9), ("/api/v1/leads/stats/", 6), ("/api/v1/leads/changes/", 9)],
)
def test_a_list_takes_few_statements_each_on_an_index(
    caller: Caller, path: str, count: int
) -> None:
    statements = statements_of(caller, path)

    assert len(statements) <= count
    assert [sql for sql in statements if reads_much(sql) and ALL_LEADS not in sql] == []


def test_a_timeline_of_20_000_entries_reads_as_far_as_its_page(
    caller: Caller, workspace: Workspace
) -> None:
    lead = Contact.objects.latest("pk")
    state: Any = SarahStateFactory(workspace=workspace, contact_phone=lead.phone)
    with connection.cursor() as cursor:
        cursor.execute(TELL, {"lead": lead.pk, "state": state.pk, "entries": ENTRIES})

    statements = statements_of(caller, f"/api/v1/leads/{lead.pk}/timeline/")

    assert len(statements) <= 12
    assert [sql for sql in statements if reads_much(sql)] == []
