"""With 100,000 leads, pages and lists take few statements, each on an index, and few bytes."""

import gzip
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, Workspace
from sarah.models import SarahState
from tests.callers import Caller
from tests.factories import WorkspaceFactory
from tests.faults import postgresql
from tests.many import fill
from tests.staff import BOUNDS, Staff
from tests.walk import all_pages, plant

pytestmark = [postgresql, pytest.mark.scenario, pytest.mark.django_db]

LEADS, ENTRIES = 100_000, 10_000
MOST_BLOCKS = 8_000
"""Of 8 KiB, in memory: some 20 ms."""
MOST_STATEMENTS, MOST_KIB = 32, 60
ASKS_MUCH = re.compile(r"^/admin/(live/home/)?(\?|$)|/erase-person/$")
"""Home, and the one that counts in twenty places."""
READS_MUCH = re.compile(r"^/admin/(live/home/)?$|tab=follow-up|o=-?next|sarahstate/\?q=kopi")
"""Home remembers its numbers, and lists count 10,000 rows that they find by two indexes."""
ALL_LEADS = "GROUP BY 1, 2, 3"
"""The one statement that has to read all leads, because it counts them all."""
TELL = """
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
    fill(workspace, leads=LEADS)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return workspace


def statements_of(captured: CaptureQueriesContext) -> list[str]:
    asked = [query["sql"] for query in captured]
    return [sql for sql in asked if not sql.startswith(BOUNDS)]


def reads_much(statement: str) -> bool:
    """Whether a statement reads more than half of a large table row by row, or more than
    MOST_BLOCKS: that is the same on every machine, unlike its time."""
    if not statement.startswith("SELECT") or ALL_LEADS in statement:
        return False
    with connection.cursor() as cursor:
        asked = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement.replace('%', '%%')}"
        cursor.execute(asked, [])
        [found] = cursor.fetchone()[0]
    plan = found["Plan"]
    blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    return blocks > MOST_BLOCKS or any(rows > LEADS / 2 for rows in scanned(plan))


def scanned(plan: dict[str, Any]) -> Iterator[float]:
    """How many rows each part of a plan reads from a table without an index."""
    if "Seq Scan" in plan["Node Type"]:
        rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
        yield rows * plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from scanned(part)


def test_a_page_of_the_admin_takes_few_statements_each_on_an_index_and_few_bytes(
    workspace: Workspace,
) -> None:
    plant("kopi", "melati")
    root = Staff(is_superuser=True)
    costly: dict[str, Any] = {}

    for page in all_pages():
        cache.clear()
        with CaptureQueriesContext(connection) as captured:
            answer = root.client.get(page)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        statements, kib = statements_of(captured), len(gzip.compress(body)) / 1024
        much = [] if READS_MUCH.search(page) else [sql for sql in statements if reads_much(sql)]
        most = MOST_STATEMENTS * 2 if ASKS_MUCH.search(page) else MOST_STATEMENTS
        if much or len(statements) > most or kib > MOST_KIB:
            costly[page] = (len(statements), kib, much)

    assert costly == {}


def test_a_list_of_the_api_takes_few_statements_each_on_an_index(workspace: Workspace) -> None:
    caller = Caller("leads:read", workspace=workspace)

    for name, count in {"today": 9, "stats": 6, "changes": 9}.items():
        with CaptureQueriesContext(connection) as captured:
            caller.read(f"/api/v1/leads/{name}/")

        statements = statements_of(captured)
        assert len(statements) <= count, name
        assert [sql for sql in statements if reads_much(sql)] == [], name


def test_a_timeline_of_20_000_entries_reads_as_far_as_its_page(workspace: Workspace) -> None:
    lead = Contact.objects.latest("pk")
    told = {"lead": lead.pk, "state": SarahState.objects.get(contact=lead).pk, "entries": ENTRIES}
    with connection.cursor() as cursor:
        cursor.execute(TELL, told)
    caller = Caller("leads:read", workspace=workspace)

    with CaptureQueriesContext(connection) as captured:
        caller.read(f"/api/v1/leads/{lead.pk}/timeline/")

    statements = statements_of(captured)
    assert len(statements) <= 12
    assert [sql for sql in statements if reads_much(sql)] == []
