"""The main job: a bot's message becomes a synced lead."""

import pytest

from contacts.models import Contact
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_message_of_a_known_lead_reaches_the_lead(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)

    answer = bot.post(
        "0812-3456-7890",
        state="qualifying",
        lead_score=55,
        lead_temperature="warm",
        extracted_data={"name": "Budi", "business_type": "cafe", "team_size": 5},
        language="en",
        message_count=3,
    )

    assert (answer.status_code, answer.json()) == (200, {"success": True, "sync": True})
    lead.refresh_from_db()
    assert (lead.name, lead.business_type, lead.team_size) == ("Budi", "cafe", 5)
    assert (lead.lead_score, lead.lead_temperature, lead.language) == (55, "warm", "en")
    assert lead.lead_status == "qualified"
    assert [(c.from_status, c.to, c.by) for c in lead.status_changes.all()] == [
        ("new", "qualified", "sarah-bot")
    ]


def test_a_message_of_an_unknown_number_waits_and_heals_when_the_lead_is_added(bot: Bot) -> None:
    answer = bot.post(state="handoff", lead_score=80, extracted_data={"name": "Ani"})
    assert answer.json() == {"success": True, "sync": False, "syncReason": "contact_not_found"}

    lead = ContactFactory(phone=PHONE)

    lead.refresh_from_db()
    assert (lead.name, lead.lead_score, lead.lead_status) == ("Ani", 80, "contacted")
    state = SarahState.objects.get()
    assert (state.contact, state.sync_reason, state.sync_attempts) == (lead, "", 0)
    assert state.failures.get().resolution == "healed"
    assert Contact.objects.count() == 1
