"""A person takes a lead over from Sarah: she is told to be silent, and nothing is lost."""

from datetime import timedelta

import pytest
import time_machine
from django.db.models import F
from django.utils import timezone

from contacts.merging import merge_by_hand
from contacts.models import Contact
from sarah.models import SarahState
from tests.bot import PHONE, SYNCED, Bot, memory
from tests.callers import Caller
from tests.factories import ContactFactory, WorkspaceFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db(transaction=True)

SAID = {"state": "handoff", "lead_score": 80, "lead_temperature": "hot", "message_count": 5}


@pytest.fixture
def dewi() -> Staff:
    return Staff("Sales", username="dewi")


@pytest.fixture
def lead() -> Contact:
    return ContactFactory(phone=PHONE, lead_score=60, language="en")


def takes_over(staff: Staff, lead: Contact, **fields: str) -> None:
    answer = staff.confirms("take_this_over", lead, **{"reason": "Asks for a discount."} | fields)
    assert "HX-Redirect" in answer.headers, answer.content


def is_paused(bot: Bot, **params: str) -> bool:
    """Whether a GET tells Sarah to be silent; else the key is absent."""
    told = bot.get(**params).json()
    assert told.get("paused") in (None, True)
    return "paused" in told


def test_sarah_is_silent_until_the_lead_is_handed_back_and_learns_as_ever(
    bot: Bot, dewi: Staff, lead: Contact
) -> None:
    bot.post(state="qualifying", message_count=4)
    assert not is_paused(bot)

    takes_over(dewi, lead)

    assert is_paused(bot)
    assert bot.post(**SAID).json() == SYNCED
    assert memory(bot.get().json()).items() >= SAID.items()
    assert is_paused(bot)
    lead.refresh_from_db()
    assert lead.lead_score == 80
    page = dewi.sees("contacts_contact_change", lead.pk)
    assert "Asks for a discount." in page
    assert ("take-over" in page, "let-sarah-speak" in page) == (False, True)

    dewi.client.post(f"/admin/contacts/contact/{lead.pk}/let-sarah-speak/")

    assert not is_paused(bot)
    texts = [*lead.notes.order_by("pk").values_list("text", flat=True)]
    assert texts == [
        "dewi took over from Sarah until it is handed back: Asks for a discount.",
        "dewi handed back to Sarah.",
    ]


def test_a_pause_until_a_time_ends_by_itself(bot: Bot, dewi: Staff, lead: Contact) -> None:
    bot.post(**SAID)
    with time_machine.travel("2026-11-27T08:00:00Z", tick=False):
        takes_over(dewi, lead, until="2026-11-27T16:30")  # in Jakarta
        assert Contact.objects.get().paused_until.isoformat() == "2026-11-27T09:30:00+00:00"
    with time_machine.travel("2026-11-27T09:29:59Z", tick=False):
        assert is_paused(bot)
    with time_machine.travel("2026-11-27T09:30:00Z", tick=False):
        assert not is_paused(bot)


def test_who_never_talked_to_sarah_is_not_greeted_by_her_either(
    bot: Bot, dewi: Staff, lead: Contact
) -> None:
    takes_over(dewi, lead)

    assert is_paused(bot)
    lead.refresh_from_db()
    assert (lead.lead_score, lead.language, lead.lead_status) == (60, "en", "new")
    assert bot.post(lead_score=75, message_count=1).json() == SYNCED
    assert (bot.get().json()["lead_score"], is_paused(bot)) == (75, True)


def test_a_conversation_that_begins_later_is_silent_as_well(
    bot: Bot, dewi: Staff, lead: Contact
) -> None:
    takes_over(dewi, lead)
    SarahState.objects.all().delete()

    bot.post(**SAID)

    assert is_paused(bot)


def test_the_leads_of_others_are_not_silent(bot: Bot, dewi: Staff, lead: Contact) -> None:
    other = WorkspaceFactory(slug="other")
    ContactFactory(phone=PHONE, workspace=other)
    bot.post(workspace_id="other")

    takes_over(dewi, lead)

    assert not is_paused(bot, workspace_id="other")
    assert is_paused(bot, workspace_id="default")


def test_a_deleted_lead_is_no_longer_taken_over(bot: Bot, dewi: Staff, lead: Contact) -> None:
    bot.post(**SAID)
    takes_over(dewi, lead)

    lead.delete()

    assert not is_paused(bot)


def test_the_lead_that_takes_a_silent_one_in_is_silent(
    bot: Bot, dewi: Staff, lead: Contact
) -> None:
    takes_over(dewi, lead)
    survivor = ContactFactory()

    merge_by_hand(survivor.pk, lead.pk, by="dewi", chosen={})

    survivor.refresh_from_db()
    assert (survivor.is_paused, survivor.paused_by) == (True, "dewi")
    assert is_paused(bot)
    assert SarahState.objects.filter(contact=survivor, paused_until=F("contact__paused_until"))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"reason": ""}, "This field is required."),
        ({"until": "2020-01-01T09:00"}, "Choose a time to come."),
        ({"until": "soon"}, "Enter a valid date/time."),
    ],
)
def test_nothing_is_taken_over_without_a_reason_or_until_the_past(
    dewi: Staff, lead: Contact, fields: dict[str, str], told: str
) -> None:
    answer = dewi.confirms("take_this_over", lead, **{"reason": "Asks."} | fields)

    assert told in answer.content.decode()
    lead.refresh_from_db()
    assert not lead.is_paused


def test_only_who_may_takes_a_lead_over(lead: Contact) -> None:
    viewer = Staff()

    assert viewer.confirms("take_this_over", lead, reason="Because.").status_code == 403
    lead.refresh_from_db()
    assert not lead.is_paused


def test_the_manager_sees_who_is_taken_over(dewi: Staff, lead: Contact) -> None:
    caller, until = Caller("leads:read"), timezone.now() + timedelta(days=1)
    Contact.objects.update(paused_until=until)

    told = caller.read(f"/api/v1/leads/{lead.pk}/")["paused_until"]

    assert told == until.isoformat().replace("+00:00", "Z")
