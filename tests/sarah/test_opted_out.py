"""A lead that opted out: the conversation is remembered, nothing is copied, nothing failed."""

import pytest

from contacts.models import Contact
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)

EXCLUDED = {"success": True, "sync": False, "syncReason": "excluded"}
TOLD = {"state": "handoff", "lead_score": 80, "extracted_data": {"name": "Budi"}}


def test_nothing_is_copied_and_nothing_failed(bot: Bot) -> None:
    ContactFactory(phone=PHONE, opted_out=True)
    before = Contact.objects.values().get()

    assert bot.post(**TOLD).json() == EXCLUDED

    assert Contact.objects.values().get() == before
    assert not SyncFailure.objects.exists()
    state = SarahState.objects.get()
    assert (state.synced_at, state.sync_reason, state.next_sync_at) == (None, "excluded", None)
    assert state.sync_attempts == 0
    assert bot.get().json()["lead_score"] == 80


def test_a_lead_that_opts_in_again_gets_what_was_said_meanwhile(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE, opted_out=True)
    bot.post(**TOLD)

    lead.opted_out = False
    lead.save()

    lead.refresh_from_db()
    assert (lead.name, lead.lead_score, lead.lead_status) == ("Budi", 80, "contacted")
    assert SarahState.objects.get().sync_reason == ""


def test_adding_the_lead_as_opted_out_ends_the_failure(bot: Bot) -> None:
    bot.post(**TOLD)

    ContactFactory(phone=PHONE, opted_out=True)

    assert SyncFailure.objects.get().resolution == "healed"
    assert SarahState.objects.get().sync_reason == "excluded"
    assert bot.post().json() == EXCLUDED
