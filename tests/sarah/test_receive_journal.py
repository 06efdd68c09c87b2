"""The journal answers: did the bot ever send this, what did it change, and with which key?"""

import json
import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from leadsync.models import ApiKey
from sarah.models import SarahState, StateUpdate
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, WorkspaceFactory
from tests.faults import (
    CONVERSATIONS,
    FAILURES,
    LEADS,
    assert_discreet,
    failing,
    postgresql,
    refusing,
)

JOURNAL = "sarah_stateupdate"


def test_each_accepted_message_is_written_down_as_it_was_sent(bot: Bot) -> None:
    ContactFactory(phone=PHONE)
    body = '{"contact_phone": "0812-3456-7890", "lead_score": 40, "language": "fr"}'

    answer = bot.send(body)

    message = StateUpdate.objects.get()
    assert message.state == SarahState.objects.get()
    assert (message.body, message.outcome, message.lead_score) == (body, "synced", 40)
    assert message.changes == {"lead_score": [0, 40]}
    assert message.warnings == answer.json()["warnings"]
    assert message.key == ApiKey.objects.get()
    assert message.client_address == "127.0.0.1"
    assert message.request_id == answer["X-Request-ID"]
    assert timezone.now() - message.received_at < timedelta(minutes=1)


def test_it_shows_what_each_message_changed_and_how_the_score_went(bot: Bot) -> None:
    ContactFactory(phone=PHONE)

    bot.post(lead_score=20, state="qualifying", extracted_data={"goals": "sell", "name": "Budi"})
    bot.post(lead_score=75, state="qualifying", extracted_data={"goals": "sell more"})
    bot.post(lead_score=75)

    messages = StateUpdate.objects.order_by("pk")
    assert [message.lead_score for message in messages] == [20, 75, 75]
    assert [message.changes for message in messages][1:] == [
        {"lead_score": [20, 75], "extracted_data.goals": ["sell", "sell more"]},
        {},
    ]


@pytest.mark.parametrize(
    ("lead", "outcome"),
    [
        ({}, "synced"),
        ({"opted_out": True}, "excluded"),
        ({"phone": "+6281999999999"}, "contact_not_found"),
    ],
)
def test_it_tells_what_the_sync_of_the_message_came_to(bot: Bot, lead: dict, outcome: str) -> None:
    ContactFactory(**{"phone": PHONE} | lead)

    bot.post()

    assert StateUpdate.objects.get().outcome == outcome


def test_a_failed_sync_is_written_down_with_the_cause_of_its_failure(bot: Bot) -> None:
    ContactFactory(phone=PHONE)

    with refusing(LEADS):
        bot.post(lead_score=80)

    message = StateUpdate.objects.get()
    assert message.outcome == "sync_error"
    assert message.failure_group == SarahState.objects.get().failures.get().group


def test_what_the_database_could_not_hold_is_left_out(bot: Bot) -> None:
    bot.post(extracted_data={"goals": "a\x00b"})

    assert "\x00" not in StateUpdate.objects.get().body


def test_a_long_message_is_kept_whole(bot: Bot) -> None:
    body = json.dumps({"contact_phone": PHONE, "story": "x" * 65_000})

    bot.send(body)

    assert StateUpdate.objects.get().body == body


def test_a_refused_message_is_none_of_the_journals_business(bot: Bot) -> None:
    bot.post("no phone")
    Client().post("/sarah/state", "{}", content_type="application/json")

    assert not StateUpdate.objects.exists()


@postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("slow", [CONVERSATIONS, LEADS, FAILURES])
def test_the_duration_ends_only_when_commit_is_sent(bot: Bot, slow: str) -> None:
    ContactFactory(phone=PHONE)
    bot.post()

    with failing(slow, "PERFORM pg_sleep(0.1);"):
        bot.post(lead_score=80, language="fr")

    assert StateUpdate.objects.latest("pk").duration_ms >= 100


def test_a_broken_journal_costs_no_message(bot: Bot, caplog) -> None:
    ContactFactory(phone=PHONE)

    with caplog.at_level(logging.DEBUG), refusing(JOURNAL):
        answer = bot.post(lead_score=80, extracted_data={"name": "Budi"})

    assert answer.json() == {"success": True, "sync": True}
    assert Contact.objects.get().lead_score == 80
    assert "is not journalled" in caplog.text
    assert_discreet(caplog.text)


def test_a_conversation_that_finds_home_takes_its_journal_along(bot: Bot) -> None:
    workspace = WorkspaceFactory()
    bot.post(workspace_id="777")
    bot.post(workspace_id="default")

    workspace.kapso_phone_number_id = "777"
    workspace.save()

    assert SarahState.objects.get().updates.count() == 2
