"""Traffic as it is recorded, played from beginning to end, and with a bot that forgets."""

import json
import lzma
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from contacts.models import Contact, Workspace
from contacts.phones import to_e164
from monitoring.models import SyncFailure
from sarah.models import SarahState
from sarah.simulator.conversations import conversations, phones
from tests.bot import BLANK, SYNCED, Bot, memory, not_synced

pytestmark = pytest.mark.django_db(transaction=True)

RECORDING = Path(__file__).parent.parent / "payloads" / "bot_traffic.jsonl.xz"
CONVERSATIONS = 40
SEED = 11
UNKNOWN = set(phones(CONVERSATIONS, seed=SEED)[::8])
"""Every eighth number is no lead."""

NOT_SYNCED = not_synced("contact_not_found")
STATUSES = {"qualifying": 1, "scoring": 1, "handoff": 2, "completed": 3}
FUNNEL = ["new", "qualified", "contacted", "converted"]
FACTS = ("business_type", "team_size", "pain_points", "goals")


def traffic() -> Iterator[list[dict[str, Any]]]:
    """The requests of each conversation."""
    for _number, requests in groupby(
        conversations(CONVERSATIONS, seed=SEED), key=itemgetter("conversation")
    ):
        yield list(requests)


def bodies(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [request["body"] for request in requests if request["method"] == "POST"]


def add_leads(numbers: set[str]) -> None:
    home = Workspace.objects.get()
    Contact.objects.bulk_create(Contact(workspace=home, phone=phone) for phone in numbers)


def moves(told: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """How a reader of the conversation sees the lead's status move: forward, never back."""
    steps, reached = [], 0
    for body in told:
        if STATUSES[body["state"]] > reached:
            steps.append((FUNNEL[reached], FUNNEL[STATUSES[body["state"]]]))
            reached = STATUSES[body["state"]]
    return steps


def play(bot: Bot, requests: list[dict[str, Any]], *, outcome: dict[str, Any]) -> None:
    """Send one conversation; each answer is `outcome`, each GET the memory of the last POST."""
    before = BLANK
    for request in requests:
        if request["method"] == "GET":
            assert memory(bot.client.get(request["path"]).json()) == before
        else:
            answer = bot.client.post(request["path"], request["body"], "application/json")
            assert (answer.status_code, answer.json()) == (200, outcome)
            before = memory(request["body"])


def test_after_all_is_played_everything_is_as_a_careful_reader_expects(bot: Bot) -> None:
    add_leads(set(phones(CONVERSATIONS, seed=SEED)) - UNKNOWN)
    told = {}

    for requests in traffic():
        phone = to_e164(bodies(requests)[0]["contact_phone"])
        told[phone] = bodies(requests)
        play(bot, requests, outcome=NOT_SYNCED if phone in UNKNOWN else SYNCED)

    assert set(Contact.objects.values_list("phone", flat=True)) == told.keys() - UNKNOWN
    assert set(SarahState.objects.values_list("contact_phone", flat=True)) == told.keys()
    for phone in told.keys() - UNKNOWN:
        expect_synced(SarahState.objects.get(contact_phone=phone), told[phone])
    expect_standings([moves(told[phone]) for phone in told.keys() - UNKNOWN])
    for phone in UNKNOWN:
        expect_waiting(SarahState.objects.get(contact_phone=phone), told[phone])
    assert SyncFailure.objects.count() == len(UNKNOWN)


@pytest.mark.one_database  # the same happens to fewer people on both
def test_the_recording_makes_leads_of_everybody_also_without_a_number(bot: Bot) -> None:
    """Every third person hides it. Sarah hands over and closes; no person has done a thing."""
    Workspace.objects.update(creates_contacts=True)
    told = {}

    for number, recorded in enumerate(recording()):
        hidden = {"contact_phone": None, "business_scoped_user_id": f"ID.{number}"}
        said = [body if number % 3 else body | hidden for body in recorded]
        for body in said:
            answer = bot.client.post("/sarah/state", body, "application/json")
            assert (answer.status_code, answer.json()) == (200, SYNCED)
        told[SarahState.objects.latest("pk").pk] = said

    assert len(told) == Contact.objects.count() == 300
    for state in SarahState.objects.select_related("contact"):
        expect_synced(state, told[state.pk])
    assert SarahState.objects.filter(contact_phone=None).count() == 100
    assert not SyncFailure.objects.exists()
    leads = Contact.objects.all()
    reached = leads.milestones()
    assert (reached["handed_over"], reached["contacted"], reached["converted"]) == (182, 0, 0)
    assert leads.standing("handed_over").count() == 160
    assert leads.standing("closed_by_sarah").count() == 0
    assert leads.standing("closed_cold").count() == 42


def recording() -> list[list[dict[str, Any]]]:
    """What was said in each conversation of the real traffic, as it was recorded."""
    with lzma.open(RECORDING, "rt") as lines:
        requests = [json.loads(line) for line in lines]
    by_person = groupby(requests, key=itemgetter("conversation"))
    return [bodies(list(one)) for _number, one in by_person]


def expect_synced(state: SarahState, told: list[dict[str, Any]]) -> None:
    last, lead = told[-1], state.contact
    assert {name: getattr(state, name) for name in BLANK} == memory(last)
    assert (state.revision, state.sync_reason) == (len(told), "")
    assert state.synced_at >= state.updated_at
    assert lead.name == ""  # only greetings were told; facts only grow, so the last has them all
    known = {name: last["extracted_data"].get(name) for name in FACTS}
    assert [getattr(lead, name) or None for name in FACTS] == [
        known[name] or None for name in FACTS
    ]
    copied = ("lead_score", "lead_temperature", "language")
    assert [getattr(lead, name) for name in copied] == [last[name] for name in copied]
    history = lead.status_changes.order_by("pk")
    assert [(move.from_status, move.to) for move in history] == moves(told)
    assert {move.by for move in history} == {lead.status_changed_by} == {"sarah-bot"}
    assert lead.lead_status == moves(told)[-1][1]


def expect_standings(moves: list[list[tuple[str, str]]]) -> None:
    """Nobody has called any of them, whatever their status says."""
    leads, last = Contact.objects.all(), [steps[-1][1] for steps in moves]
    reached = leads.milestones()
    assert reached["handed_over"] == sum("contacted" in dict(steps).values() for steps in moves) > 0
    assert (reached["contacted"], reached["converted"]) == (0, 0)
    assert leads.standing("handed_over").count() == last.count("contacted") > 0
    assert leads.standing("closed_by_sarah", "closed_cold").count() == last.count("converted") > 0


def expect_waiting(state: SarahState, told: list[dict[str, Any]]) -> None:
    assert {name: getattr(state, name) for name in BLANK} == memory(told[-1])
    assert (state.contact, state.synced_at, state.sync_reason) == (None, None, "contact_not_found")
    failure = state.failures.get()
    assert (failure.kind, failure.contact_phone) == ("contact_not_found", state.contact_phone)
    assert (failure.occurrences, failure.resolved_at) == (len(told), None)
    assert memory(failure.payload) == memory(told[-1])


def test_the_payload_of_a_failure_tells_the_whole_conversation_again(bot: Bot) -> None:
    requests = next(traffic())
    play(bot, requests, outcome=NOT_SYNCED)
    payload = SyncFailure.objects.get().payload
    SarahState.objects.all().delete()

    bot.client.post("/sarah/state", payload, "application/json")

    state = SarahState.objects.get()
    assert {name: getattr(state, name) for name in BLANK} == memory(bodies(requests)[-1])


def test_at_any_step_a_bot_that_forgot_everything_loses_nothing(bot: Bot) -> None:
    add_leads(set(phones(CONVERSATIONS, seed=SEED)))
    for told in map(bodies, list(traffic())[::4]):
        first, phone = told[0], to_e164(told[0]["contact_phone"])
        assert (first["state"], first["lead_score"], first["message_count"]) == (
            "qualifying",
            20,
            1,
        )
        for body in told:
            bot.client.post("/sarah/state", body, "application/json")
            lead = Contact.objects.values().get(phone=phone)

            answer = bot.client.post("/sarah/state", first, "application/json")

            assert answer.json().pop("warnings", {}).keys() <= {"message_count"}
            assert answer.json()["sync"] is True
            assert bot.remembers(phone) == memory(body)
            after = Contact.objects.values().get(phone=phone)
            times = {"last_activity_at", "updated_at"}
            assert {**after, **dict.fromkeys(times)} == {**lead, **dict.fromkeys(times)}
    assert not SyncFailure.objects.exists()
