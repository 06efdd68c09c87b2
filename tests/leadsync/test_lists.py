"""Cursor pages: every row once, whatever the rows have in common."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from leadsync.models import Scope
from tests.callers import Caller, visit_all
from tests.factories import ContactFactory, SyncFailureFactory, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

LEADS, FAILURES = "/api/v1/leads/", "/api/v1/sync-failures/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def caller() -> Caller:
    return Caller(Scope.LEADS_READ, Scope.FAILURES_READ)


def add_leads(number: int, *, at_once: int = 1) -> None:
    """Leads of which `at_once` at a time have the same times, as an import leaves them."""
    workspace = WorkspaceFactory()
    times = [NOON + timedelta(minutes=n // at_once) for n in range(number)]
    Contact.objects.bulk_create(
        Contact(
            workspace=workspace,
            phone=f"+62811{n:08d}",
            last_activity_at=at,
            created_at=at,
            lead_score=(n // at_once) % 101,
        )
        for n, at in enumerate(times)
    )


@pytest.mark.parametrize(
    "ordering", ["-last_activity_at", "created_at", "-lead_score", "lead_score"]
)
@pytest.mark.parametrize("at_once", [1, 7, 120])
@pytest.mark.parametrize("page_size", [7, 50])
def test_following_next_visits_every_lead_once_and_in_order(
    caller: Caller, ordering: str, at_once: int, page_size: int
) -> None:
    add_leads(120, at_once=at_once)
    sign = -1 if ordering.startswith("-") else 1

    leads = visit_all(caller, f"{LEADS}?ordering={ordering}&page_size={page_size}")

    assert len(leads) == len({lead["id"] for lead in leads}) == 120
    column = ordering.removeprefix("-")
    assert leads == sorted(leads, key=lambda row: (row[column], row["id"]), reverse=sign < 0)


@pytest.mark.parametrize("ordering", ["-occurrences", "last_seen_at"])
def test_following_next_visits_every_failure_once(caller: Caller, ordering: str) -> None:
    SyncFailureFactory.create_batch(120, last_seen_at=NOON)

    failures = visit_all(caller, f"{FAILURES}?ordering={ordering}&page_size=25")

    assert len({failure["id"] for failure in failures}) == len(failures) == 120


def test_more_equal_leads_than_drf_can_count_are_all_visited(caller: Caller) -> None:
    add_leads(1500, at_once=1500)

    leads = visit_all(caller, f"{LEADS}?page_size=200")

    assert len({lead["id"] for lead in leads}) == len(leads) == 1500


@pytest.mark.parametrize("at_once", [1, 120])
def test_following_previous_leads_back_the_same_way(caller: Caller, at_once: int) -> None:
    add_leads(120, at_once=at_once)
    pages = []
    url: str | None = LEADS
    while url:
        pages.append(caller.get(url).json())
        url = pages[-1]["next"]

    back = [pages[-1]]
    while back[-1]["previous"]:
        back.append(caller.get(back[-1]["previous"]).json())

    assert [page["results"] for page in reversed(back)] == [page["results"] for page in pages]
    assert [len(page["results"]) for page in pages] == [50, 50, 20]


def test_a_lead_added_meanwhile_moves_nothing(caller: Caller) -> None:
    add_leads(60)
    first = caller.get(LEADS).json()

    ContactFactory(last_activity_at=NOON + timedelta(days=1))

    rest = visit_all(caller, first["next"])
    assert len(rest) == 10
    assert not {lead["id"] for lead in rest} & {lead["id"] for lead in first["results"]}


def test_links_keep_the_filters(caller: Caller) -> None:
    add_leads(60)

    page = caller.read(LEADS, status="new", page_size=5)

    query = parse_qs(urlsplit(page["next"]).query)
    assert (query["status"], query["page_size"]) == (["new"], ["5"])
    assert page["previous"] is None


def test_a_cursor_of_another_order_is_refused(caller: Caller) -> None:
    add_leads(60)
    page = caller.get(LEADS).json()

    answer = caller.get(f"{page['next']}&ordering=created_at")

    assert (answer.status_code, list(answer.json()["fields"])) == (400, ["cursor"])


@pytest.mark.parametrize(
    ("path", "field", "values"),
    [
        (LEADS, "status", ["won", "new,won"]),
        (LEADS, "temperature", ["boiling"]),
        (LEADS, "score_min", ["many", "-1"]),
        (LEADS, "score_max", ["101"]),
        (LEADS, "unassigned", ["perhaps"]),
        (LEADS, "active_since", ["yesterday", "0001-01-01T00:00:00+14:00"]),
        (LEADS, "active_since", ["9999-12-31T23:59:59-12:00"]),
        (LEADS, "search", ["x" * 201]),
        (LEADS, "ordering", ["name", "created_at,last_activity_at"]),
        (LEADS, "cursor", ["nonsense", "é\x00"]),
        (FAILURES, "status", ["closed"]),
        (FAILURES, "kind", ["bad_luck"]),
        (FAILURES, "source", ["elsewhere"]),
        (FAILURES, "phone", ["call me"]),
        (FAILURES, "since", ["lately"]),
        (FAILURES, "before", ["0001-01-01T00:00:00+14:00"]),
        (FAILURES, "ordering", ["error"]),
        (FAILURES, "workspace", ["nul\x00"]),
        (LEADS, "workspace", ["unheard-of", "nul\x00"]),
        ("/api/v1/sync-health/", "workspace", ["unheard-of"]),
    ],
)
def test_an_unusable_filter_is_refused_by_name(
    caller: Caller, path: str, field: str, values: list[str]
) -> None:
    for value in values:
        answer = caller.get(path, {field: value})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
        assert list(answer.json()["fields"]) == [field]
        assert answer.json()["error"].startswith(f"{field}: ")


def test_no_page_is_longer_than_two_hundred(caller: Caller) -> None:
    add_leads(210)

    assert len(caller.read(LEADS, page_size=100_000)["results"]) == 200


@pytest.mark.parametrize("rows", [1, 50])
@pytest.mark.parametrize(
    ("path", "query", "make"),
    [
        (LEADS, {"status": "new", "search": "+628"}, ContactFactory.create_batch),
        (FAILURES, {"status": "open"}, SyncFailureFactory.create_batch),
    ],
)
def test_a_page_costs_two_statements_however_long_it_is(
    caller: Caller, path: str, query: dict, make: Callable[[int], object], rows: int
) -> None:
    make(rows)
    Contact.objects.update(assigned_to=UserFactory())

    with CaptureQueriesContext(connection) as statements:
        told = caller.read(path, **query)["results"]

    assert (len(told), len(statements)) == (rows, 2)
    assert not any("COUNT(" in statement["sql"] for statement in statements)


def test_an_empty_list_is_a_page_without_links(caller: Caller) -> None:
    assert caller.read(LEADS) == {"next": None, "previous": None, "results": []}
