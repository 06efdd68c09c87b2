"""`/api/v1/leads/`: what a managing bot sees of the leads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from contacts.models import Contact
from leadsync.models import Scope
from tests.bot import PHONE
from tests.callers import Caller
from tests.factories import ANY_MOVE, ContactFactory, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
PHONES = (
    *("0812-3456-7890", "+62 812 3456 7890", "6281234567890", "006281234567890"),
    *("812 3456", "0812"),
)


@pytest.fixture
def caller() -> Caller:
    return Caller(Scope.LEADS_READ)


def names(caller: Caller, **query: Any) -> list[str]:
    return [lead["name"] for lead in caller.read(LEADS, **query)["results"]]


# A key that is bound to a workspace


@pytest.fixture
def bound() -> Caller:
    """A key bound to `kopi`, beside a lead there and one elsewhere."""
    kopi = WorkspaceFactory(slug="kopi", region="SG")
    ContactFactory(workspace=kopi, name="Ours", phone="+6591234567")
    ContactFactory(workspace__slug="default", name="Theirs")
    return Caller(Scope.LEADS_READ, workspace=kopi)


def test_a_bound_key_sees_only_its_workspace(bound: Caller) -> None:
    theirs = Contact.objects.get(name="Theirs")

    answer = bound.get(f"{LEADS}{theirs.pk}/")

    assert names(bound) == names(bound, workspace="kopi") == ["Ours"]
    assert answer.status_code == 404


def test_a_bound_key_searches_phones_in_the_region_of_its_workspace(bound: Caller) -> None:
    assert names(bound, search="9123 4567") == []  # bare digits: international
    assert names(bound, search="+65 9123 4567") == ["Ours"]
    assert names(bound, search="8123") == []  # national: not Indonesian here


# Filters


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"Ani", "Budi", "Cici", "Dian"}),
        ({"status": "new"}, {"Ani", "Dian"}),
        ({"status": ["new", "archived"]}, {"Ani", "Cici", "Dian"}),
        ({"status": "new,qualified"}, {"Ani", "Budi", "Dian"}),
        ({"temperature": "hot"}, {"Ani"}),
        ({"temperature": ["hot", "warm"]}, {"Ani", "Budi"}),
        ({"score_min": 70}, {"Ani", "Dian"}),
        ({"score_max": 40}, {"Budi", "Cici"}),
        ({"score_min": 41, "score_max": 70}, {"Dian"}),
        ({"score_max": 0}, {"Cici"}),
        ({"workspace": "kopi"}, {"Budi"}),
        ({"assigned_to": "rudi"}, {"Cici"}),
        ({"assigned_to": "nobody-of-this-name"}, set()),
        ({"unassigned": "true"}, {"Ani", "Budi", "Dian"}),
        ({"unassigned": "false"}, {"Cici"}),
        ({"active_since": "2026-11-20T12:00:00Z"}, {"Budi"}),
        ({"active_since": "2026-11-20T19:00:00+07:00"}, {"Budi"}),
        ({"status": "new", "score_min": 71}, {"Ani"}),
        *[
            ({"search": typed}, {"Budi"})
            for typed in ("budi", "SANTO", "kedai", "TOKO ROTI", *PHONES)
        ],
    ],
)
def test_leads_are_found(caller: Caller, query: dict[str, Any], found: set[str]) -> None:
    rudi = UserFactory(username="rudi")
    leads: list[dict[str, Any]] = [
        {"name": "Ani", "lead_temperature": "hot", "lead_score": 100},
        {"name": "Cici", "lead_status": "archived", "assigned_to": rudi},
        {"name": "Dian", "lead_score": 70},
    ]
    for number, fields in enumerate(leads):
        before = NOON - timedelta(seconds=1)
        ContactFactory(phone=f"+6289855555{number:02}", last_activity_at=before, **fields)
    ContactFactory(
        workspace__slug="kopi", name="Budi Santoso", whatsapp_name="Kedai B", phone=PHONE,
        lead_status="qualified", lead_temperature="warm", lead_score=40, last_activity_at=NOON,
        business_type="Toko roti",
    )  # fmt: skip

    assert {name.split()[0] for name in names(caller, **query)} == found


def test_a_lead_is_stale_once_it_is_quiet_for_longer_than_its_workspace_allows(
    caller: Caller,
) -> None:
    patient = WorkspaceFactory(slug="kopi", stale_new_hours=48)
    ages = {"new": 25, "qualified": 73, "contacted": 169}
    for status, hours in ages.items():
        for name, quiet in (("quiet", hours), ("fresh", hours - 2)):
            at = timezone.now() - timedelta(hours=quiet)
            ContactFactory(name=f"{status} {name}", lead_status=status, last_activity_at=at)
    long_ago = timezone.now() - timedelta(days=400)
    ContactFactory(name="won", lead_status="converted", last_activity_at=long_ago)
    day_old = timezone.now() - timedelta(hours=25)
    ContactFactory(name="new patient", workspace=patient, last_activity_at=day_old)

    stale = {f"{status} quiet" for status in ages}
    assert set(names(caller, stale="true")) == stale
    leads = caller.read(LEADS)["results"]
    assert {lead["name"] for lead in leads if lead["is_stale"]} == stale
    assert len(names(caller, stale="false")) == 8


@pytest.mark.parametrize("column", ["last_activity_at", "created_at"])
def test_leads_come_in_the_order_asked_for(caller: Caller, column: str) -> None:
    for hours, name in enumerate(("First", "Second")):
        ContactFactory(name=name, **{column: NOON + timedelta(hours=hours)})

    assert names(caller, ordering=column) == ["First", "Second"]
    assert names(caller, ordering=f"-{column}") == ["Second", "First"]
    assert column == "created_at" or names(caller) == ["Second", "First"]


# One lead


def test_a_lead_comes_with_its_facts_its_history_and_its_notes(caller: Caller) -> None:
    lead = ContactFactory(name="Budi", goals="A second shop", pain_points=["stock"], tags=["vip"])
    lead.change_status("contacted", by="ani", why=ANY_MOVE)
    lead.notes.create(text="Wants a demo.", author="ani")

    told = caller.read(f"{LEADS}{lead.pk}/")

    assert (told["id"], told["workspace"], told["phone"]) == (lead.pk, "default", lead.phone)
    assert (told["goals"], told["pain_points"], told["tags"]) == (
        "A second shop",
        ["stock"],
        ["vip"],
    )
    [change], [note] = told["status_changes"], told["notes"]
    assert (change["from_status"], change["to"], change["by"]) == ("new", "contacted", "ani")
    assert (note["text"], note["author"], note["author_kind"]) == ("Wants a demo.", "ani", "person")


def test_of_a_long_history_the_newest_fifty_are_told(caller: Caller) -> None:
    lead = ContactFactory()
    for number in range(60):
        lead.notes.create(text=str(number), author="ani", created_at=NOON + timedelta(hours=number))

    notes = caller.read(f"{LEADS}{lead.pk}/")["notes"]

    assert [note["text"] for note in notes] == [str(number) for number in range(59, 9, -1)]


def test_times_are_told_in_utc(caller: Caller) -> None:
    ContactFactory(last_activity_at=NOON)

    [lead] = caller.read(LEADS)["results"]

    assert lead["last_activity_at"] == "2026-11-20T12:00:00Z"


@pytest.mark.parametrize("microsecond", [0, 120, 594_600])
def test_leads_are_written_as_drf_writes_them(caller: Caller, microsecond: int) -> None:
    awkward = '\x01\t\x7f\u2028\u2029 "é" </script> \\ 😀'
    for name in ("Budi", awkward):
        ContactFactory(
            name=name,
            pain_points=[name, 2**70, 0.1],
            last_activity_at=NOON.replace(microsecond=microsecond),
        )

    for query in ({}, {"status": "new"}, {"status": "converted"}, {"page_size": 1}):
        answer: Any = caller.get(LEADS, query)
        assert answer.content == JSONRenderer().render(answer.data)
        for lead in answer.json()["results"]:
            assert lead["pain_points"] == [lead["name"], 2**70, 0.1]


@pytest.mark.parametrize("pk", ["0", "999999999", "9" * 40])
def test_an_unknown_lead_is_not_found(caller: Caller, pk: str) -> None:
    answer = caller.get(f"{LEADS}{pk}/")

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


# Speed


def test_one_lead_costs_four_statements(caller: Caller) -> None:
    lead = ContactFactory()

    with CaptureQueriesContext(connection) as statements:
        caller.read(f"{LEADS}{lead.pk}/")

    assert len(statements) == 4
