"""Where a lead stands: what a person did is told from what Sarah did."""

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Contact, Standing
from contacts.workflow import LeadStatus
from tests.bot import PHONE, Bot
from tests.callers import Caller
from tests.contacts.pages import moves, notes, page_of
from tests.factories import ANY_MOVE, ContactFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db

LEADS = "/api/v1/leads/"


@pytest.fixture
def dewi() -> Staff:
    return Staff("Sales", username="dewi")


@pytest.fixture
def caller() -> Caller:
    return Caller("leads:read")


def handed_over(bot: Bot) -> Contact:
    lead = ContactFactory(phone=PHONE)
    bot.post(state="handoff", lead_score=80, lead_temperature="hot")
    return lead


def opens_the_chat(dewi: Staff, lead: Contact) -> None:
    assert 'form="chat-form"' in dewi.client.get(page_of(lead)).content.decode()
    answer = dewi.client.post(f"/admin/contacts/contact/{lead.pk}/chat/")
    assert (answer.status_code, answer.url) == (302, "https://wa.me/6281234567890")


def notes_a(kind: str) -> Callable[[Staff, Contact], None]:
    return lambda dewi, lead: notes(dewi.client, lead, "Talked.", kind=kind)


def moves_it_back_and_on(dewi: Staff, lead: Contact) -> None:
    for status in ("qualified", "contacted"):
        moves(dewi.client, lead, status)


REACHING_OUT = {
    "confirms it in the list": lambda dewi, lead: dewi.runs("confirm_status", [lead]),
    "confirms it on its page": lambda dewi, lead: moves(dewi.client, lead, "contacted"),
    "moves it": moves_it_back_and_on,
    "notes a call": notes_a("call"),
    "notes a chat": notes_a("chat"),
    "opens the chat": opens_the_chat,
}


@pytest.mark.parametrize("reach_out", REACHING_OUT.values(), ids=REACHING_OUT)
@pytest.mark.django_db(transaction=True)
def test_a_lead_that_sarah_handed_over_waits_until_a_person_reaches_out(
    bot: Bot, dewi: Staff, caller: Caller, reach_out: Callable[[Staff, Contact], None]
) -> None:
    lead = handed_over(bot)
    [told] = caller.read(LEADS, standing="handed_over")["results"]
    assert (told["lead_status"], told["standing"]) == ("contacted", "handed_over")
    assert told["last_contact_at"] is None
    assert list(dewi.list_of(Contact, standing="handed_over").result_list) == [lead]
    before = timezone.now()

    reach_out(dewi, lead)

    [told] = caller.read(LEADS, standing="contacted")["results"]
    lead.refresh_from_db()
    assert (told["lead_status"], told["standing"]) == ("contacted", "contacted")
    assert lead.last_contact_at >= before
    assert not dewi.list_of(Contact, standing="handed_over").result_list
    bot.post(state="handoff")
    assert caller.read(f"{LEADS}{lead.pk}/")["standing"] == "contacted"


@pytest.mark.django_db(transaction=True)
def test_a_confirmed_status_has_a_line_of_that_person_in_its_history(bot: Bot, dewi: Staff) -> None:
    lead = handed_over(bot)

    for _twice in range(2):
        dewi.runs("confirm_status", [lead, ContactFactory()])

    by_sarah, by_dewi = lead.status_changes.order_by("pk")
    assert (by_sarah.by, by_sarah.actor_kind) == ("sarah-bot", "bot")
    assert (by_dewi.from_status, by_dewi.to, by_dewi.by) == ("contacted", "contacted", "dewi")
    lead.refresh_from_db()
    assert (lead.status_changed_by, lead.last_contact_at) == ("dewi", by_dewi.at)


@pytest.mark.parametrize(
    ("kind", "author_kind"), [("note", "person"), ("meeting", "person"), ("call", "bot")]
)
def test_other_notes_are_no_contact_by_a_person(kind: str, author_kind: str) -> None:
    lead = ContactFactory()

    lead.notes.create(text="Hm.", kind=kind, author="ani", author_kind=author_kind)

    lead.refresh_from_db()
    assert lead.last_contact_at is None


def test_an_older_call_does_not_set_the_last_contact_back() -> None:
    now = timezone.now()
    lead = ContactFactory(last_contact_at=now)

    lead.notes.create(text="A.", kind="call", author="ani", created_at=now - timedelta(days=1))

    lead.refresh_from_db()
    assert lead.last_contact_at == now


@pytest.mark.parametrize(
    ("group", "method", "status"), [("Sales", "get", 405), ("", "post", 403), (None, "post", 302)]
)
def test_no_chat_is_noted_by_an_address_or_a_stranger(
    client, group: str | None, method: str, status: int
) -> None:
    lead = ContactFactory()
    visitor = client if group is None else Staff(group).client

    answer = getattr(visitor, method)(f"/admin/contacts/contact/{lead.pk}/chat/")

    assert answer.status_code == status
    assert "wa.me" not in answer.headers.get("Location", "")
    lead.refresh_from_db()
    assert lead.last_contact_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("temperature", "standing"), [("warm", "closed_by_sarah"), ("cold", "closed_cold")]
)
def test_what_sarah_closed_is_told_from_what_a_person_converted(
    bot: Bot, dewi: Staff, caller: Caller, temperature: str, standing: str
) -> None:
    lead, won = ContactFactory(phone=PHONE), ContactFactory()
    bot.post(state="completed", lead_temperature=temperature)
    won.change_status("converted", by="dewi", why=ANY_MOVE)

    told = {one["id"]: one["standing"] for one in caller.read(LEADS, status="converted")["results"]}
    assert told == {lead.pk: standing, won.pk: "converted"}

    dewi.runs("confirm_status", [lead])
    assert caller.read(f"{LEADS}{lead.pk}/")["standing"] == "converted"


@pytest.mark.parametrize("status", ["new", "qualified", "contacted", "converted", "archived"])
def test_a_lead_that_was_never_moved_stands_as_its_status_says(status: str) -> None:
    ContactFactory(lead_status=status)

    assert Contact.objects.with_standing().get().standing == status
    assert Contact.objects.standing(status).exists()
    assert not Contact.objects.standing(*set(Standing.values) - {status}).exists()


@pytest.mark.parametrize("temperature", ["hot", "cold"])
def test_every_lead_stands_somewhere(temperature: str) -> None:
    now = timezone.now()
    times = (None, now - timedelta(days=1), now)
    for status, moved, by_person, reached in itertools.product(
        LeadStatus.values, times, times, times
    ):
        ContactFactory(
            lead_status=status,
            lead_temperature=temperature,
            status_changed_at=moved,
            moved_by_person_at=by_person,
            last_contact_at=reached,
        )

    leads = Contact.objects.with_standing()

    told = Counter(leads.values_list("standing", "lead_temperature"))
    assert len(told) == len(Standing) - 1  # what Sarah closed is cold or not
