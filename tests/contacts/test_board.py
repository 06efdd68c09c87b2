"""The board: the pipeline in columns, and what it says to a move."""

import re
from urllib.parse import urljoin

import pytest

from contacts.models import StatusChange
from contacts.workflow import AuthorKind, Why
from tests.factories import ContactFactory
from tests.staff import Staff, messages_of, queries_of

pytestmark = pytest.mark.django_db

BOARD = "/admin/contacts/contact/board/"
AS_SCRIPT = {"Accept": "application/json"}


def test_leads_stand_in_the_column_of_their_status_with_a_count(monkeypatch) -> None:
    monkeypatch.setattr("contacts.admin.desk.board.SHOWN", 2)
    dewi = Staff("Sales")
    ContactFactory.create_batch(3)
    won = ContactFactory(lead_status="converted", name="Budi", assigned_to=dewi.user)

    columns = {one.status: one for one in dewi.client.get(BOARD).context["columns"]}
    mine = dewi.client.get(f"{BOARD}?whose=me").context["columns"]

    assert [one.count for one in columns.values()] == ["3", "0", "0", "1", "0"]
    assert [len(one.rows) for one in columns.values()] == [2, 0, 0, 1, 0]
    assert [row.lead for one in mine for row in one.rows] == [won]


def test_contacted_by_sarah_alone_is_called_handed_over() -> None:
    dewi = Staff("Sales")
    for kind in (AuthorKind.BOT, AuthorKind.PERSON):
        ContactFactory().change_status(
            "contacted", by="x", kind=kind, why=Why(text="Test.", forced=True)
        )

    page = dewi.client.get(BOARD).content.decode()

    assert len(re.findall(r"Handed over\s*</", page)) == 1


def test_more_leads_take_no_more_statements() -> None:
    dewi = Staff("Sales")
    ContactFactory()
    few = queries_of(dewi.client, BOARD)
    ContactFactory.create_batch(10)
    ContactFactory.create_batch(10, lead_status="qualified")

    assert queries_of(dewi.client, BOARD) == few <= 16


@pytest.mark.parametrize(
    ("asked", "status", "refused"),
    [
        ({"status": "qualified"}, "qualified", ""),
        ({"status": "converted"}, "new", "Invalid transition: new -> converted"),
        ({"status": "archived"}, "new", "Say why the lead is archived."),
        ({"status": "archived", "archive_reason": "price"}, "archived", ""),
        ({"status": "nonsense"}, "new", "There is no such status."),
    ],
)
def test_a_card_moves_as_the_rules_allow_and_says_why_not(
    asked: dict[str, str], status: str, refused: str
) -> None:
    dewi, lead = Staff("Sales", username="dewi"), ContactFactory(name="Budi")

    told = dewi.client.post(f"{BOARD}{lead.pk}/", asked, headers=AS_SCRIPT)

    lead.refresh_from_db()
    assert lead.lead_status == status == told.json()["status"]
    assert told.status_code == (409 if refused else 200)
    assert told.json()["refused"].startswith(refused)
    assert "Budi" in told.json()["card"]
    assert StatusChange.objects.filter(by="dewi").count() == int(not refused)


def test_without_a_script_a_form_moves_the_card(client) -> None:
    dewi, lead = Staff("Sales"), ContactFactory(name="Budi")

    page = dewi.client.post(f"{BOARD}{lead.pk}/", {"status": "qualified"}, follow=True)
    again = dewi.client.post(f"{BOARD}{lead.pk}/", {"status": "converted"}, follow=True)

    assert messages_of(page) == ["Budi is now: Qualified."]
    assert messages_of(again)[0].startswith("Budi: Invalid transition: qualified -> converted")
    assert dewi.client.get(f"{BOARD}{lead.pk}/").status_code == 405
    why = dewi.client.post(f"{BOARD}{lead.pk}/", {"status": "archived"})
    assert "Why is this lead archived?" in why.content.decode()
    said = {"action": "archived", "archive_reason": "price"}
    told = dewi.client.post(f"{BOARD}{lead.pk}/", said, follow=True)
    assert messages_of(told) == ["Budi is now: Archived."]


def test_whoever_may_not_change_leads_moves_none() -> None:
    lead, nobody = ContactFactory(), Staff()

    assert nobody.client.get(BOARD).status_code == 403
    assert nobody.client.post(f"{BOARD}{lead.pk}/", {"status": "qualified"}).status_code == 403
    lead.refresh_from_db()
    assert lead.lead_status == "new"


def test_a_card_that_somebody_has_moved_meanwhile_stays_there_and_that_is_told() -> None:
    lead, dewi = ContactFactory(), Staff("Sales")
    page = dewi.client.get(BOARD).content.decode()
    [move] = {urljoin(BOARD, one) for one in re.findall(r'formaction="([^"]*)"', page)}
    lead.change_status("qualified", by="rudi")
    lead.change_status("contacted", by="rudi")

    refused = dewi.client.post(move, {"status": "qualified"}, headers=AS_SCRIPT)

    assert refused.status_code == 409
    told = "Nothing was changed: meanwhile this lead was moved to “Contacted”."
    assert refused.json()["refused"] == told
    assert messages_of(dewi.client.post(move, {"status": "qualified"}, follow=True)) == [
        f"{lead}: {told}"
    ]
    lead.refresh_from_db()
    assert lead.lead_status == "contacted"
