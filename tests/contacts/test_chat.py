"""The chat on a lead's page and in the API."""

from datetime import datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from contacts.addresses import Address
from contacts.models import ChatMark, ChatMessage, Contact
from tests.callers import Caller, visit_all
from tests.contacts.pages import saves
from tests.factories import ContactFactory, MessageFactory, SarahStateFactory, WorkspaceFactory
from tests.kapso import Kapso, recorded
from tests.staff import Staff, queries_of

pytestmark = pytest.mark.django_db

PAGE = "contacts_contact_change"
USER_ID = "ID.26694801573320718846"


@pytest.fixture
def lead() -> Contact:
    return ContactFactory(phone="+6281234567890", business_scoped_user_id=USER_ID)


def write(lead: Contact, text: str = "Halo", *, minutes: int = 0, **fields: Any) -> ChatMessage:
    return ChatMessage.objects.create(
        workspace=lead.workspace,
        **{
            "wamid": f"wamid.{text}{minutes}",
            "contact_phone": lead.phone or "",
            "author": "lead",
            "type": "text",
            "text": text,
            "sent_at": timezone.now() + timedelta(minutes=minutes),
            **fields,
        },
    )


def page_of(lead: Contact) -> str:
    return unescape(Staff("Sales").sees(PAGE, lead.pk))


def positions(page: str, *texts: str) -> list[int]:
    return [page.index(text) for text in texts]


def test_a_leads_page_shows_what_was_written_newest_first_with_who_and_how_far(
    lead: Contact,
) -> None:
    answer = write(lead, "Rp 45.000", minutes=2, author="bot")
    write(lead, "Berapa harganya?", minutes=1)
    write(
        lead,
        "",
        minutes=3,
        type="audio",
        transcript="Saya ambil dua",
        contact_phone="",
        business_scoped_user_id=USER_ID,
    )
    write(lead, "Besok saya telepon", minutes=4, author="staff")
    write(ContactFactory(), "of somebody else")
    ChatMark.objects.create(workspace=lead.workspace, wamid=answer.wamid, status="read")
    ChatMark.objects.create(workspace=lead.workspace, wamid=answer.wamid, status="sent")

    page = page_of(lead)

    told = positions(page, "Besok saya telepon", "Saya ambil dua", "Rp 45.000", "Berapa harganya?")
    assert told == sorted(told)
    assert "Voice message" in page
    assert page.count('aria-label="Read"') == 1
    assert 'aria-label="Sent"' not in page
    assert "of somebody else" not in page


def test_sarahs_states_stand_between_the_messages(lead: Contact) -> None:
    state = SarahStateFactory(contact_phone=lead.phone, contact=lead)
    for minutes, change in ((1, {"state": ["qualifying", "handoff"]}), (3, {"lead_score": [1, 2]})):
        MessageFactory(
            state=state, changes=change, received_at=timezone.now() + timedelta(minutes=minutes)
        )
    write(lead, "Mau demo")
    write(lead, "Jam berapa?", minutes=2)

    page = page_of(lead)

    told = positions(page, "Jam berapa?", "<ins>Handoff</ins>", "Mau demo")
    assert told == sorted(told)


def test_why_a_message_failed_stands_beside_it(lead: Contact) -> None:
    failed = write(lead, author="bot")
    ChatMark.objects.create(
        workspace=lead.workspace, wamid=failed.wamid, status="failed", reason="131047 Too late"
    )

    assert "131047 Too late" in page_of(lead)


def test_what_a_lead_wrote_is_shown_as_text_and_nothing_else(lead: Contact) -> None:
    write(lead, "<img src=x onerror=alert(1)> {{ 7*7 }}")

    page = Staff("Sales").sees(PAGE, lead.pk)

    assert "&lt;img src=x onerror=alert(1)&gt; {{ 7*7 }}" in page


def test_the_page_takes_as_many_statements_for_a_long_chat_as_for_a_short_one(
    lead: Contact,
) -> None:
    sales = Staff("Sales").client
    url = f"/admin/contacts/contact/{lead.pk}/change/"
    write(lead)
    few = queries_of(sales, url)

    for minutes in range(1, 120):
        write(lead, minutes=minutes)

    assert queries_of(sales, url) == few


def test_a_lead_without_a_number_is_shown_by_its_user_name_and_offers_no_link_to_a_number() -> None:
    lead = ContactFactory(
        phone=None, business_scoped_user_id=USER_ID, whatsapp_username="budi.kopi"
    )
    staff = Staff("Sales")

    listed = staff.sees("contacts_contact_changelist")
    page = staff.sees(PAGE, lead.pk)

    assert "@budi.kopi" in listed
    assert "no number" in listed
    assert USER_ID in page
    assert "wa.me" not in page


@pytest.mark.parametrize("typed", ["budi.kopi", "@Budi.Kopi", USER_ID])
def test_search_finds_user_names_and_ids(typed: str) -> None:
    lead = ContactFactory(
        phone=None, business_scoped_user_id=USER_ID, whatsapp_username="budi.kopi"
    )
    ContactFactory()

    assert Contact.objects.matching(typed).get() == lead
    assert not Contact.objects.matching("@").exists()


def test_a_person_saves_a_lead_without_a_number(lead: Contact) -> None:
    lead = ContactFactory(phone=None, business_scoped_user_id="ID.1")
    page = f"/admin/contacts/contact/{lead.pk}/edit/"

    saves(Staff("Sales").client, page, name="Budi")
    lead.refresh_from_db()
    assert (lead.name, lead.phone) == ("Budi", None)

    saves(Staff("Sales").client, page, phone="0812-0000-1111")
    lead.refresh_from_db()
    assert lead.phone == "+6281200001111"


def test_a_person_adds_a_lead_by_its_id_and_one_without_both_is_refused() -> None:
    add, staff = "/admin/contacts/contact/add/", Staff("Sales").client

    refused = saves(staff, add, name="Budi")
    saves(staff, add, business_scoped_user_id=USER_ID)

    assert "phone" in refused.context["adminform"].form.errors
    assert Contact.objects.get().address == Address(user_id=USER_ID)


def test_the_api_lists_the_chat_newest_first(lead: Contact) -> None:
    sent = write(lead, "Rp 45.000", minutes=1, author="bot")
    write(lead, "Berapa?")
    ChatMark.objects.create(workspace=lead.workspace, wamid=sent.wamid, status="delivered")
    caller = Caller("leads:read")

    rows = caller.read(f"/api/v1/leads/{lead.pk}/chat/")["results"]

    assert [(row["author"], row["text"], row["status"]) for row in rows] == [
        ("bot", "Rp 45.000", "delivered"),
        ("lead", "Berapa?", None),
    ]
    assert datetime.fromisoformat(rows[0]["sent_at"]) == sent.sent_at
    assert set(rows[0]) == {
        *("id", "author", "type", "text", "transcript", "sent_at", "status", "reason"),
    }


def test_its_pages_show_each_message_once(lead: Contact) -> None:
    for minutes in range(7):
        write(lead, str(minutes), minutes=minutes)

    rows = visit_all(Caller("leads:read"), f"/api/v1/leads/{lead.pk}/chat/?page_size=3")

    assert [row["text"] for row in rows] == [*"6543210"]


def test_a_key_of_another_workspace_finds_no_chat(lead: Contact) -> None:
    caller = Caller("leads:read", workspace=WorkspaceFactory(slug="other"))

    assert caller.get(f"/api/v1/leads/{lead.pk}/chat/").status_code == 404
    assert Caller("states:write").get(f"/api/v1/leads/{lead.pk}/chat/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_lead_that_moved_keeps_what_it_wrote_before() -> None:
    kapso = Kapso()
    for delivery in recorded():
        kapso.send(delivery)
    lead = Contact.objects.get(phone="+6281200009041")

    assert "apakah bisa demo minggu ini?" in page_of(lead)
