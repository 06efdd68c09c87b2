"""The simulated traffic has the form and the manners of the recorded one."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import phonenumbers
import pytest

from contacts.models import ChatMessage, Contact
from contacts.names import is_usable_name
from sarah.simulator.conversations import conversations, phones
from sarah.simulator.deliveries import hides_number, user_id, with_deliveries
from sarah.simulator.traffic import read_requests, to_line
from tests.bot import Bot
from tests.kapso import Kapso, work_all

SAMPLE = Path(__file__).with_name("traffic_sample.jsonl")
STATES = ["greeting", "qualifying", "scoring", "handoff", "completed"]


def form(value: Any) -> Any:
    """Reduce a request to its keys in their order and the types of its values."""
    if isinstance(value, dict):
        return tuple((key, form(item)) for key, item in value.items())
    return type(value)


def spelling(request: dict[str, Any]) -> str:
    return re.sub(r"\d", "9", unquote(request["path"]).partition("=")[2])


def bodies(traffic: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [request["body"] for request in traffic if "body" in request]


def by_conversation(traffic: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    grouped = groupby(traffic, key=lambda request: request["conversation"])
    return [bodies(group) for _, group in grouped]


@pytest.fixture(scope="module")
def sample() -> list[dict[str, Any]]:
    return list(read_requests(SAMPLE))


@pytest.fixture(scope="module")
def simulated() -> list[dict[str, Any]]:
    return list(conversations(60, seed=1))


def test_the_same_seed_makes_the_same_traffic_in_any_process(simulated):
    script = (
        "from sarah.simulator.conversations import conversations; "
        "from sarah.simulator.traffic import to_line\n"
        "for request in conversations(60, seed=1): print(to_line(request))"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Pacific/Auckland"}

    elsewhere = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        cwd=SAMPLE.parents[2],
        capture_output=True,
        text=True,
        check=True,
    )

    assert elsewhere.stdout.splitlines() == [to_line(request) for request in simulated]


def test_another_seed_makes_other_traffic(simulated):
    assert list(conversations(60, seed=2)) != simulated


def test_more_conversations_add_to_the_same_traffic(simulated):
    fewer = list(conversations(10, seed=1))

    assert simulated[: len(fewer)] == fewer


def test_every_recorded_form_is_simulated(sample, simulated):
    assert {form(request) for request in sample} <= {form(request) for request in simulated}


def test_no_other_field_is_simulated(sample, simulated):
    def fields(traffic):
        return {
            (key, form(value))
            for body in bodies(traffic)
            for key, value in body.items()
            if key != "extracted_data"
        }

    assert fields(simulated) == fields(sample)


def test_facts_come_in_the_recorded_order(simulated):
    order = ["name", "pain_points", "business_type", "team_size", "goals"]

    for body in bodies(simulated):
        assert list(body["extracted_data"]) == [k for k in order if k in body["extracted_data"]]


def test_each_post_follows_a_get_for_the_same_phone(simulated):
    for get, post in zip(simulated[::2], simulated[1::2], strict=True):
        assert (get["method"], post["method"]) == ("GET", "POST")
        assert unquote(get["path"]) == f"/sarah/state?contact_phone={post['body']['contact_phone']}"
        assert post["path"] == "/sarah/state"
        assert (get["conversation"], get["step"]) == (post["conversation"], post["step"] - 1)


def test_phones_are_spelled_in_the_three_recorded_ways(sample, simulated):
    assert [spelling(request) for request in simulated if request["step"] == 1] == [
        spelling(request) for request in sample if request["step"] == 1
    ] * 20


def test_progress_never_goes_back(simulated):
    for posted in by_conversation(simulated):
        assert [body["message_count"] for body in posted] == list(range(1, len(posted) + 1))
        for before, after in pairwise(posted):
            old, new = before["extracted_data"], after["extracted_data"]
            assert STATES.index(after["state"]) >= STATES.index(before["state"])
            assert set(old["pain_points"]) <= set(new["pain_points"])
            assert new | old | {"pain_points": new["pain_points"]} == new


def test_scores_stay_within_bounds_and_facts_are_never_empty(simulated):
    for body in bodies(simulated):
        assert 20 <= body["lead_score"] <= 90
        assert all(value for key, value in body["extracted_data"].items() if key != "pain_points")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_all_outcomes_and_both_languages_occur_in_60(seed):
    ends = [(posted[-1], len(posted)) for posted in by_conversation(conversations(60, seed=seed))]

    assert {end["state"] for end, _ in ends} == set(STATES) - {"greeting"}
    assert {end["lead_temperature"] for end, _ in ends} == {"hot", "warm", "cold"}
    assert {end["language"] for end, _ in ends} == {"id", "en"}
    assert any(end["state"] == "qualifying" and length <= 5 for end, length in ends)
    assert any(end["state"] == "qualifying" and length > 5 for end, length in ends)


def test_it_is_as_unkind_as_the_recording():
    """There, all names are greetings, 182 of 300 were handed over, and 42 completed, all cold."""
    told = by_conversation(conversations(300, seed=1))

    names = {posted[0]["extracted_data"]["name"] for posted in told}
    assert not [name for name in names if is_usable_name(name)]
    handed_over = sum(any(body["state"] == "handoff" for body in posted) for posted in told)
    assert 150 <= handed_over <= 210
    completed = [posted[-1] for posted in told if posted[-1]["state"] == "completed"]
    assert 30 <= len(completed) <= 60
    assert {body["lead_temperature"] for body in completed} == {"cold"}


def test_phones_are_distinct_and_possible_mobiles():
    many = phones(5_000, seed=1)

    assert len(set(many)) == len(many)
    for phone in many:
        number = phonenumbers.parse(phone)
        assert phonenumbers.is_possible_number(number)
        assert phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.MOBILE
        assert phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) == phone


def test_phones_are_those_of_the_conversations(simulated):
    sent = [posted[0]["contact_phone"] for posted in by_conversation(simulated)]

    assert ["+" + re.sub(r"\D", "", phone) for phone in sent] == phones(60, seed=1)


def played(count: int = 9) -> list[dict[str, Any]]:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    names = [f"Name {number}" for number in range(count)]
    return list(
        with_deliveries(
            conversations(count, seed=1), workspace="default", seed=1, names=names, now=now
        )
    )


@pytest.mark.django_db(transaction=True)
def test_kapso_delivers_names_chats_and_people_without_a_number_beside_the_bot() -> None:
    kapso, bot = Kapso(), Bot()

    for request in played():
        if "event" in request:
            assert kapso.tell(request["event"], request["body"]).status_code == 200
        elif request["method"] == "POST":
            bot.client.post(request["path"], request["body"], "application/json")
        else:
            assert bot.client.get(request["path"]).status_code == 200
    work_all()

    leads = {lead.address.user_id: lead for lead in Contact.objects.all()}
    assert set(leads) == {user_id(number, seed=1) for number in range(1, 10) if number % 8}
    for number in (1, 3):
        lead = leads[user_id(number, seed=1)]
        assert (lead.phone is None, lead.whatsapp_name) == (
            *(hides_number(number), f"Name {number - 1}"),
        )
        chat = ChatMessage.objects.of(lead.address, workspace_id=lead.workspace_id).with_status()
        assert {message.author for message in chat} == {"lead", "bot"}
        assert {message.status for message in chat} == {None, "read"}
        assert lead.conversations.get().synced_at


def test_without_kapso_the_traffic_is_as_it_was() -> None:
    of_the_bot = [request for request in played() if "event" not in request]

    shown = [one for one in of_the_bot if not hides_number(one["conversation"])]
    assert shown == [
        one for one in conversations(9, seed=1) if not hides_number(one["conversation"])
    ]
