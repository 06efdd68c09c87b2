"""POST /sarah/state: a message is saved, and what it says reaches the lead."""

import json
from datetime import UTC, datetime

import pytest
import time_machine

from contacts.models import Contact
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import BLANK, PHONE, SYNCED, Bot, not_synced
from tests.factories import ANY_MOVE, ContactFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGE = {
    "state": "qualifying",
    "lead_score": 55,
    "lead_temperature": "warm",
    "extracted_data": {"name": "Budi", "goals": "ramai", "pain_points": ["lambat"], "budget": 5},
    "language": "en",
    "message_count": 3,
}


def rows() -> list[list[dict]]:
    """Everything that is stored about leads and conversations, but for times."""
    times = {"updated_at", "synced_at", "last_activity_at", "revision", "synced_revision"}
    return [
        [{k: v for k, v in row.items() if k not in times} for row in model.objects.values()]
        for model in (Contact, SarahState, SyncFailure)
    ]


def test_the_first_message_takes_the_defaults_for_what_it_does_not_say(bot: Bot) -> None:
    assert bot.post().json() == not_synced("contact_not_found")

    assert bot.remembers() == BLANK


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(MESSAGE)])
def test_what_is_absent_or_null_keeps_its_stored_value(bot: Bot, nothing: dict) -> None:
    ContactFactory(phone=PHONE)
    bot.post(**MESSAGE, last_message_at="2026-03-01T12:00:00Z")
    before = rows()

    assert bot.post(**nothing).json() == SYNCED

    assert bot.remembers() == MESSAGE
    assert rows() == before


def test_a_repeated_message_changes_nothing_but_times(bot: Bot) -> None:
    with time_machine.travel(datetime(2026, 3, 1, 12, tzinfo=UTC), tick=False) as clock:
        ContactFactory(phone=PHONE)
        bot.post(**MESSAGE)
        before = rows()

        clock.shift(3600)
        assert bot.post(**MESSAGE).json() == SYNCED

        state = SarahState.objects.get()
        assert rows() == before
        assert state.updated_at == datetime(2026, 3, 1, 13, tzinfo=UTC)
        assert state.created_at == datetime(2026, 3, 1, 12, tzinfo=UTC)
        assert Contact.objects.get().last_activity_at == state.updated_at


def test_a_whole_conversation_leaves_one_history_row_for_each_move(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)

    for count, state in enumerate(
        ("greeting", "qualifying", "scoring", "handoff", "qualifying", "handoff", "completed"), 1
    ):
        bot.post(state=state, message_count=count)

    moves = lead.status_changes.order_by("pk")
    assert [(move.from_status, move.to, move.by) for move in moves] == [
        ("new", "qualified", "sarah-bot"),
        ("qualified", "contacted", "sarah-bot"),
        ("contacted", "converted", "sarah-bot"),
    ]
    lead.refresh_from_db()
    assert (lead.lead_status, lead.status_changed_by) == ("converted", "sarah-bot")
    assert lead.status_changed_at == moves.last().at
    assert lead.last_contact_at is None


def test_an_archived_lead_gets_its_facts_and_is_marked_as_re_engaged(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    lead.change_status("archived", by="ani", why=ANY_MOVE)

    assert bot.post(**MESSAGE | {"state": "completed"}).json() == SYNCED

    lead.refresh_from_db()
    assert (lead.lead_status, lead.status_changed_by, lead.goals) == ("archived", "ani", "ramai")
    assert lead.re_engaged_at == SarahState.objects.get().updated_at
    assert lead.status_changes.count() == 1


def test_what_staff_hold_is_left_alone_until_it_is_handed_back(bot: Bot) -> None:
    held = ["goals", "lead_score", "lead_temperature", "language", "name"]
    lead = ContactFactory(phone=PHONE, goals="libur", lead_score=10, staff_fields=held)
    bot.post(**MESSAGE)
    lead.refresh_from_db()
    assert (lead.goals, lead.lead_score, lead.lead_temperature) == ("libur", 10, "cold")
    assert (lead.language, lead.name, lead.pain_points) == ("id", "", ["lambat"])

    lead.edit({}, by="ani", handed_back=["goals", "name"])
    bot.post(**MESSAGE)

    lead.refresh_from_db()
    assert (lead.goals, lead.name, lead.lead_score) == ("ramai", "Budi", 10)


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded",
     "multipart/form-data; boundary=x", "application/octet-stream", ""],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/sarah/state", "/sarah/state/"])
def test_a_json_object_is_taken_whatever_its_content_type_says(
    bot: Bot, content_type: str, path: str
) -> None:
    body = json.dumps({"contact_phone": PHONE, **MESSAGE})

    answer = bot.client.post(path, body, content_type=content_type)

    assert (answer.status_code, answer.json()) == (200, not_synced("contact_not_found"))
    assert bot.remembers() == MESSAGE


@pytest.mark.parametrize("spelling", ["0812-3456-7890", "62 812 3456 7890", 6281234567890])
def test_any_spelling_goes_on_with_the_same_conversation(bot: Bot, spelling: object) -> None:
    bot.post(PHONE, message_count=1)

    bot.post(spelling, message_count=2)

    assert [state.message_count for state in SarahState.objects.all()] == [2]
    assert bot.remembers()["message_count"] == 2


def test_an_unknown_number_becomes_a_lead_where_the_workspace_wants_that(bot: Bot) -> None:
    shop = WorkspaceFactory(slug="shop", creates_contacts=True)

    answer = bot.post(**MESSAGE, workspace_id="shop")

    lead = Contact.objects.get()
    assert answer.json() == SYNCED
    assert (lead.phone, lead.workspace, lead.name, lead.lead_status) == (
        PHONE, shop, "Budi", "qualified",
    )  # fmt: skip
    assert SarahState.objects.get().contact == lead
    assert not SyncFailure.objects.exists()


@pytest.mark.parametrize("accept", ["text/html", "text/plain", "image/png", ""])
def test_whatever_the_client_accepts_the_message_is_saved_and_the_answer_is_json(bot: Bot, accept):
    answer = bot.client.post(
        "/sarah/state", {"contact_phone": PHONE}, "application/json", headers={"accept": accept}
    )

    assert (answer.status_code, answer.json()["success"]) == (200, True)
    read = bot.client.get(f"/sarah/state?contact_phone={PHONE}", headers={"accept": accept})
    assert (read.status_code, read.json()["message_count"]) == (200, 0)
