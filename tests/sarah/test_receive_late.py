"""A bot that comes late or has lost its memory takes nothing away and gets its memory back."""

import json

import pytest

from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)

TOLD = {
    "state": "handoff",
    "lead_score": 85,
    "lead_temperature": "hot",
    "extracted_data": {"name": "Budi", "team_size": 5, "pain_points": ["lambat"], "goals": ""},
    "language": "en",
    "message_count": 9,
}
FORGETFUL = {
    "state": "qualifying",
    "lead_score": 20,
    "lead_temperature": "cold",
    "extracted_data": {"name": "Halo kak", "pain_points": [], "goals": "ramai"},
    "language": "id",
    "message_count": 1,
}
SENT_AT = "2026-03-01T12:00:00Z"


def memory(bot: Bot) -> dict:
    return {name: value for name, value in bot.get().json().items() if name in TOLD}


def test_a_forgetful_bot_fills_what_is_empty_and_gets_its_memory_back(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(**TOLD, last_message_at=SENT_AT)

    answer = bot.post(**FORGETFUL, last_message_at="2026-03-02T12:00:00Z")

    assert (answer.status_code, answer.json()["sync"]) == (200, True)
    assert list(answer.json()["warnings"]) == ["message_count"]
    facts = TOLD["extracted_data"] | {"goals": "ramai"}
    assert memory(bot) == TOLD | {"extracted_data": facts}
    assert bot.get().json()["last_message_at"] == SENT_AT
    lead.refresh_from_db()
    assert (lead.name, lead.goals, lead.lead_score) == ("Budi", "ramai", 85)
    assert (lead.lead_status, lead.lead_temperature, lead.language) == ("contacted", "hot", "en")
    assert not SyncFailure.objects.exists()


def test_a_late_message_may_move_the_state_forward(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(**TOLD)

    bot.post(state="completed", lead_score=0, message_count=8)

    assert memory(bot) == TOLD | {"state": "completed"}
    lead.refresh_from_db()
    assert (lead.lead_status, lead.lead_score) == ("converted", 85)


@pytest.mark.parametrize(
    ("unusable", "warned"),
    [
        ({"message_count": 2, "state": "dancing"}, {"message_count", "state"}),
        ({"message_count": -1, "lead_score": 0}, {"message_count"}),
    ],
)
def test_unusable_fields_of_a_late_message_are_still_shown_to_a_person(
    bot: Bot, unusable: dict, warned: set[str]
) -> None:
    bot.post(**TOLD)

    answer = bot.post(**unusable)

    assert set(answer.json()["warnings"]) == warned
    shown = json.loads(SyncFailure.objects.get(kind="invalid_payload").payload["body"])
    assert shown == {"contact_phone": PHONE, **unusable}
    assert memory(bot) == TOLD


def test_once_a_person_lets_her_sarah_starts_over_from_the_next_message_on(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(**TOLD)
    state = SarahState.objects.get()
    before = SarahState.objects.values().get()

    state.start_over(by="ani")

    assert SarahState.objects.values().get() == before | {"message_count": 0, "state": "greeting"}
    note = lead.notes.get()
    assert (note.author_kind, "ani" in note.text) == ("system", True)
    assert memory(bot) == TOLD | {"message_count": 0, "state": "greeting"}

    assert "warnings" not in bot.post(**FORGETFUL).json()

    facts = TOLD["extracted_data"] | {"name": "Halo kak", "goals": "ramai"}
    assert memory(bot) == FORGETFUL | {"extracted_data": facts}
    lead.refresh_from_db()
    assert (lead.name, lead.lead_status, lead.lead_score) == ("Budi", "contacted", 20)
