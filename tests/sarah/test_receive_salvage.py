"""Whatever of a message can be used is saved, a person sees what could not, and a bot that comes
late or has lost its memory takes nothing away."""

import json

import pytest

from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory

pytestmark = pytest.mark.django_db(transaction=True)

UNUSABLE = {
    "state": "dancing",
    "lead_score": "many",
    "lead_temperature": 5,
    "language": "fr",
    "message_count": [],
    "last_message_at": "yesterday",
    "workspace_id": True,
}


def test_unusable_fields_keep_what_is_stored_and_everything_else_is_saved(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    told = {"state": "scoring", "lead_score": 70, "lead_temperature": "hot", "language": "en"}
    bot.post(**told, message_count=5)

    answer = bot.post(**UNUSABLE, extracted_data={"name": "Budi", "team_size": "some"})

    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["sync"]) == (True, True)
    assert set(answer.json()["warnings"]) == {*UNUSABLE, "extracted_data.team_size"}
    state = SarahState.objects.get()
    assert {name: getattr(state, name) for name in told} == told
    assert (state.message_count, state.extracted_data) == (5, {"name": "Budi"})
    lead.refresh_from_db()
    assert (lead.name, lead.team_size) == ("Budi", None)


def test_a_warning_names_the_field_and_says_what_was_wrong_and_what_we_did(bot: Bot) -> None:
    warnings = bot.post(lead_score=250, state="dancing").json()["warnings"]

    assert "0 and 100" in warnings["lead_score"]
    assert "we took 100" in warnings["lead_score"]
    assert "greeting, qualifying, scoring, handoff, completed" in warnings["state"]
    assert "left it out" in warnings["state"]
    assert "dancing" not in warnings["state"]


def test_a_person_sees_what_was_sent_and_what_was_wrong_with_it(bot: Bot) -> None:
    sent = json.dumps({"contact_phone": "0812-3456-7890", "state": "dancing", "lead_score": 250})

    answer = bot.send(sent)

    failure = SyncFailure.objects.get(kind="invalid_payload")
    assert failure.payload == {"body": sent}
    assert failure.state == SarahState.objects.get()
    assert (failure.source, failure.workspace_ref) == ("sarah", "default")
    assert (failure.contact_phone, failure.resolved_at) == (PHONE, None)
    assert all(warning in failure.error for warning in answer.json()["warnings"].values())


def test_the_same_body_again_is_counted_and_another_one_is_a_failure_of_its_own(bot: Bot) -> None:
    for score in (250, 250, 250, 300):
        bot.post(lead_score=score)

    failures = SyncFailure.objects.filter(kind="invalid_payload").order_by("pk")
    assert [failure.occurrences for failure in failures] == [3, 1]


@pytest.mark.parametrize("depth", [500, 980, 5000])
def test_however_deep_a_body_is_nested_the_rest_of_it_is_saved(bot: Bot, depth: int) -> None:
    nested = "[" * depth + '"]}"' + "]" * depth

    answer = bot.send(
        f'{{"contact_phone": "{PHONE}", "extracted_data": {{"a": {nested}, "goals": "grow"}},'
        ' "state": "handoff"}'
    )

    assert answer.status_code == 200
    assert "nested deeper than 20" in answer.json()["warnings"]["extracted_data.a"]
    memory = bot.get().json()
    assert (memory["state"], memory["extracted_data"]["goals"]) == ("handoff", "grow")


# A bot that comes late or has lost its memory

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


def test_a_forgetful_bot_fills_what_is_empty_and_gets_its_memory_back(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(**TOLD, last_message_at=SENT_AT)

    answer = bot.post(**FORGETFUL, last_message_at="2026-03-02T12:00:00Z")

    assert (answer.status_code, answer.json()["sync"]) == (200, True)
    assert list(answer.json()["warnings"]) == ["message_count"]
    facts = TOLD["extracted_data"] | {"goals": "ramai"}
    assert bot.remembers() == TOLD | {"extracted_data": facts}
    assert bot.get().json()["last_message_at"] == SENT_AT
    lead.refresh_from_db()
    assert (lead.name, lead.goals, lead.lead_score) == ("Budi", "ramai", 85)
    assert (lead.lead_status, lead.lead_temperature, lead.language) == ("contacted", "hot", "en")
    assert not SyncFailure.objects.exists()


def test_a_late_message_may_move_the_state_forward(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(**TOLD)

    bot.post(state="completed", lead_score=0, message_count=8)

    assert bot.remembers() == TOLD | {"state": "completed"}
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
    assert bot.remembers() == TOLD


def test_once_a_person_lets_her_sarah_starts_over_from_the_next_message_on(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(**TOLD)
    state = SarahState.objects.get()
    before = SarahState.objects.values().get()

    state.start_over(by="ani")

    assert SarahState.objects.values().get() == before | {"message_count": 0, "state": "greeting"}
    note = lead.notes.get()
    assert (note.author_kind, "ani" in note.text) == ("system", True)
    assert bot.remembers() == TOLD | {"message_count": 0, "state": "greeting"}

    assert "warnings" not in bot.post(**FORGETFUL).json()

    facts = TOLD["extracted_data"] | {"name": "Halo kak", "goals": "ramai"}
    assert bot.remembers() == FORGETFUL | {"extracted_data": facts}
    lead.refresh_from_db()
    assert (lead.name, lead.lead_status, lead.lead_score) == ("Budi", "contacted", 20)
