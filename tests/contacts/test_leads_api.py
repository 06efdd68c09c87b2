"""`/api/v1/leads/`: what a managing bot sees of the leads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact
from leadsync.models import Scope
from tests.callers import Caller
from tests.factories import ContactFactory, UserFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


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


def test_leads_are_found_by_one_or_several_statuses(caller: Caller) -> None:
    for status in ("new", "qualified", "archived"):
        ContactFactory(name=status, lead_status=status)

    assert names(caller, status="new") == ["new"]
    assert set(names(caller, status=["new", "archived"])) == {"new", "archived"}
    assert set(names(caller, status="new,qualified")) == {"new", "qualified"}


def test_leads_are_found_by_one_or_several_temperatures(caller: Caller) -> None:
    for temperature in ("hot", "warm", "cold"):
        ContactFactory(name=temperature, lead_temperature=temperature)

    assert names(caller, temperature="hot") == ["hot"]
    assert set(names(caller, temperature=["hot", "warm"])) == {"hot", "warm"}


def test_leads_are_found_by_a_range_of_scores(caller: Caller) -> None:
    for score in (0, 40, 70, 100):
        ContactFactory(name=str(score), lead_score=score)

    assert set(names(caller, score_min=70)) == {"70", "100"}
    assert set(names(caller, score_max=40)) == {"0", "40"}
    assert names(caller, score_min=41, score_max=70) == ["70"]
    assert names(caller, score_max=0) == ["0"]


def test_leads_are_found_by_workspace(caller: Caller) -> None:
    ContactFactory(workspace__slug="kopi", name="Kopi")
    ContactFactory(workspace__slug="default", name="Default")

    assert names(caller, workspace="kopi") == ["Kopi"]


def test_leads_are_found_by_who_looks_after_them(caller: Caller) -> None:
    ContactFactory(name="Hers", assigned_to=UserFactory(username="ani"))
    ContactFactory(name="Nobody's")

    assert names(caller, assigned_to="ani") == ["Hers"]
    assert names(caller, assigned_to="nobody-of-this-name") == []
    assert names(caller, unassigned="true") == ["Nobody's"]
    assert names(caller, unassigned="false") == ["Hers"]


def test_leads_are_found_by_activity_since_a_moment(caller: Caller) -> None:
    ContactFactory(name="Before", last_activity_at=NOON - timedelta(seconds=1))
    ContactFactory(name="Then", last_activity_at=NOON)

    assert names(caller, active_since="2026-11-20T12:00:00Z") == ["Then"]
    assert names(caller, active_since="2026-11-20T19:00:00+07:00") == ["Then"]


def test_filters_narrow_each_other(caller: Caller) -> None:
    ContactFactory(name="Both", lead_status="new", lead_score=80)
    ContactFactory(name="New", lead_status="new")
    ContactFactory(name="Scored", lead_status="converted", lead_score=80)

    assert names(caller, status="new", score_min=70) == ["Both"]


@pytest.mark.parametrize(
    "typed",
    ["0812-3456-7890", "+62 812 3456 7890", "6281234567890", "006281234567890", "812 3456", "0812"],
)
def test_a_lead_is_found_by_its_phone_in_any_spelling(caller: Caller, typed: str) -> None:
    ContactFactory(name="Budi", phone="+6281234567890")
    ContactFactory(name="Other", phone="+6285555555555")

    assert names(caller, search=typed) == ["Budi"]


@pytest.mark.parametrize("typed", ["budi", "SANTO", "Budi S", "kedai"])
def test_a_lead_is_found_by_a_part_of_either_name(caller: Caller, typed: str) -> None:
    ContactFactory(name="Budi Santoso", whatsapp_name="Kedai B")
    ContactFactory(name="Ani")

    assert names(caller, search=typed) == ["Budi Santoso"]


@pytest.mark.parametrize("column", ["last_activity_at", "created_at"])
def test_leads_come_in_the_order_asked_for(caller: Caller, column: str) -> None:
    for hours, name in enumerate(("First", "Second")):
        ContactFactory(name=name, **{column: NOON + timedelta(hours=hours)})

    assert names(caller, ordering=column) == ["First", "Second"]
    assert names(caller, ordering=f"-{column}") == ["Second", "First"]


def test_the_newest_activity_comes_first_by_default(caller: Caller) -> None:
    ContactFactory(name="Old", last_activity_at=NOON)
    ContactFactory(name="New", last_activity_at=NOON + timedelta(hours=1))

    assert names(caller) == ["New", "Old"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "won"),
        ("status", "new,won"),
        ("temperature", "boiling"),
        ("score_min", "many"),
        ("score_min", "-1"),
        ("score_max", "101"),
        ("workspace", "unheard-of"),
        ("workspace", "nul\x00"),
        ("unassigned", "perhaps"),
        ("active_since", "yesterday"),
        ("active_since", "0001-01-01T00:00:00+14:00"),
        ("active_since", "9999-12-31T23:59:59-12:00"),
        ("search", "x" * 201),
        ("ordering", "name"),
        ("ordering", "created_at,last_activity_at"),
        ("cursor", "nonsense"),
        ("cursor", "é\x00"),
    ],
)
def test_an_unusable_filter_is_refused_by_name(caller: Caller, field: str, value: str) -> None:
    answer = caller.get(LEADS, {field: value})

    assert (answer.status_code, answer.json()["code"]) == (400, "invalid")
    assert list(answer.json()["fields"]) == [field]
    assert answer.json()["error"].startswith(f"{field}: ")


# One lead


def test_a_lead_comes_with_its_facts_its_history_and_its_notes(caller: Caller) -> None:
    lead = ContactFactory(name="Budi", goals="A second shop", pain_points=["stock"], tags=["vip"])
    lead.change_status("contacted", by="ani", reason="Called.")
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
