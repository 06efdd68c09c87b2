"""Whatever breaks, a message is saved or the bot is told that it is not."""

import logging
from unittest.mock import Mock

import pytest
from django.db import OperationalError
from django.utils import timezone

from contacts.models import Contact, Workspace
from leadsync.models import ApiKey
from monitoring.models import SyncFailure
from sarah.models import SarahState, StateUpdate
from tests.bot import PHONE, Bot, not_synced
from tests.factories import ContactFactory
from tests.faults import (
    FAILURES,
    LEADS,
    MESSAGE,
    NEWS,
    SAVED_ONLY,
    SYNCED,
    assert_discreet,
    refusing,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)


# The leads cannot be written


def test_messages_are_saved_while_leads_refuse_writes(bot: Bot, caplog) -> None:
    leads = [ContactFactory(phone=PHONE), *ContactFactory.create_batch(2)]
    before = list(Contact.objects.order_by("pk").values())

    with caplog.at_level(logging.DEBUG), refusing(LEADS):
        answers = [
            told(bot.post(lead.phone, **NEWS | {"message_count": count}))
            for count in (1, 2, 3)
            for lead in leads
        ]

    assert answers == [SAVED_ONLY] * 9
    assert list(Contact.objects.order_by("pk").values()) == before
    for lead in leads:
        state = SarahState.objects.get(contact_phone=lead.phone)
        assert (state.message_count, state.lead_score, state.revision) == (3, 80, 3)
        assert state.extracted_data == NEWS["extracted_data"]
        assert (state.synced_at, state.sync_reason) == (None, "sync_error")
        assert state.next_sync_at is not None
        assert state.next_sync_at > timezone.now()
        failure = SyncFailure.objects.open().get(contact_phone=lead.phone)
        assert (failure.kind, failure.occurrences, failure.state) == ("sync_error", 3, state)
        assert MESSAGE in failure.error
        assert f"The sync of conversation {state.pk} failed: " in caplog.text
    assert_discreet(caplog.text)


def test_a_message_of_a_synced_conversation_is_saved_whole_if_its_sync_breaks(bot: Bot) -> None:
    ContactFactory(phone=PHONE)
    bot.post(state="qualifying", lead_score=20)

    with refusing(LEADS):
        answer = bot.post(**NEWS)

    assert told(answer) == SAVED_ONLY
    remembered = bot.get().json()
    assert {name: remembered[name] for name in NEWS} == NEWS


@pytest.mark.parametrize("broken", [RuntimeError, OperationalError])
def test_a_message_whose_second_look_for_its_lead_breaks_is_received_once(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, broken: type[Exception]
) -> None:
    monkeypatch.setattr("sarah.retry.look_again", Mock(side_effect=broken("a secret")))

    answer = bot.post(**NEWS)

    assert answer.json()["syncReason"] == "contact_not_found"
    assert SarahState.objects.get().revision == StateUpdate.objects.count() == 1


@pytest.mark.parametrize("said_before", [0, 2])
def test_a_message_that_cannot_be_journalled_is_saved_and_synced(
    bot: Bot, said_before: int
) -> None:
    lead = ContactFactory(phone=PHONE)
    for count in range(said_before):
        bot.post(message_count=count)

    with refusing(StateUpdate._meta.db_table):
        answer = bot.post(**NEWS)

    assert told(answer) == SYNCED
    lead.refresh_from_db()
    assert lead.lead_score == 80


def test_a_new_lead_that_cannot_be_made_does_not_cost_the_message(bot: Bot) -> None:
    lead = ContactFactory.build()
    Workspace.objects.update(creates_contacts=True)

    with refusing(LEADS):
        answer = bot.post(lead.phone, **NEWS)

    assert told(answer) == SAVED_ONLY
    assert SarahState.objects.get(contact_phone=lead.phone).message_count == 4
    assert not Contact.objects.filter(phone=lead.phone).exists()


def test_the_next_message_heals_what_broken_leads_left_behind(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    with refusing(LEADS):
        bot.post(**NEWS)

    answer = bot.post(**NEWS | {"message_count": 5})

    assert told(answer) == SYNCED
    state, failure = SarahState.objects.get(), SyncFailure.objects.get()
    assert (state.sync_reason, state.next_sync_at, state.sync_attempts) == ("", None, 0)
    assert failure.resolution == "healed"
    lead.refresh_from_db()
    assert (lead.name, lead.lead_status) == ("Budi Santoso", "contacted")


# The failures cannot be recorded either


def test_messages_are_saved_while_leads_and_failures_refuse_writes(bot: Bot, caplog) -> None:
    ContactFactory(phone=PHONE)

    with caplog.at_level(logging.DEBUG), refusing(LEADS), refusing(FAILURES):
        answer = bot.post(**NEWS)

    assert told(answer) == SAVED_ONLY
    state = SarahState.objects.get()
    assert (state.message_count, state.sync_reason) == (4, "sync_error")
    assert state.next_sync_at
    assert not SyncFailure.objects.exists()
    assert f"of conversation {state.pk} could not be recorded" in caplog.text
    assert_discreet(caplog.text)


@pytest.mark.parametrize(
    ("fields", "warned"),
    [
        ({}, {}),
        (
            {"lead_score": "?"},
            {"warnings": {"lead_score": "lead_score is not a number; we left it out."}},
        ),
    ],
    ids=["unknown lead", "unusable field"],
)
def test_a_broken_failure_log_changes_no_answer(bot: Bot, fields: dict, warned: dict) -> None:
    with refusing(FAILURES):
        answer = bot.post(message_count=4, **fields)

    assert told(answer) == (200, not_synced("contact_not_found") | warned)
    assert SarahState.objects.get().message_count == 4


def test_a_refusal_stays_a_refusal_when_it_cannot_be_recorded(bot: Bot) -> None:
    with refusing(FAILURES):
        answer = bot.post("")

    assert told(answer) == (400, {"error": "contact_phone is required", "code": "invalid"})


# The keys cannot be written


def test_a_key_whose_use_cannot_be_noted_still_opens_the_door(bot: Bot) -> None:
    ContactFactory(phone=PHONE)

    with refusing(ApiKey._meta.db_table):
        answer = bot.post(**NEWS)

    assert told(answer) == SYNCED
