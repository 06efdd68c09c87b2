"""A lost connection is never answered as if the message were safe."""

import logging
from contextlib import nullcontext

import pytest

from contacts.models import Contact
from monitoring.models import SyncFailure
from sarah.api.spooling import drain
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory
from tests.faults import (
    CONVERSATIONS,
    DEADLOCK,
    FAILURES,
    KILL,
    LEADS,
    MESSAGE,
    NEWS,
    REFUSE,
    SAVED_ONLY,
    STORED,
    SYNCED,
    assert_discreet,
    failing,
    postgresql,
    refusing,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)


def assert_received_once(lead: Contact) -> None:
    lead.refresh_from_db()
    state = SarahState.objects.get()
    assert (state.revision, state.contact, state.sync_reason) == (1, lead, "")
    assert (lead.name, lead.lead_score, lead.lead_status) == ("Budi Santoso", 80, "contacted")
    assert lead.status_changes.count() == 1


# The connection is lost


@postgresql
@pytest.mark.parametrize(
    ("table", "refused", "phone"),
    [
        (LEADS, None, PHONE),
        (CONVERSATIONS, None, "+6281234567891"),
        (FAILURES, None, "+6281234567891"),
        (FAILURES, LEADS, PHONE),
    ],
    ids=["in the sync", "at the conversation", "of an unknown lead", "while a failure is recorded"],
)
def test_a_message_whose_connection_always_dies_leaves_nothing_and_comes_in_afterwards(
    bot: Bot, table: str, refused: str | None, phone: str
) -> None:
    lead = ContactFactory(phone=phone)

    with refusing(refused) if refused else nullcontext(), failing(table, KILL):
        answer = bot.post(**NEWS)

    assert told(answer) == STORED
    assert not SarahState.objects.exists()
    assert not SyncFailure.objects.exists()
    assert set(Contact.objects.values_list("name", "lead_score")) == {("", 0)}
    assert drain() == 1
    if phone == PHONE:
        assert_received_once(lead)


@postgresql
def test_a_connection_that_dies_leaves_an_earlier_message_as_it_was(bot: Bot) -> None:
    ContactFactory(phone=PHONE)
    bot.post(message_count=1, lead_score=20)
    before = SarahState.objects.values().get()

    with failing(LEADS, KILL):
        answer = bot.post(**NEWS)

    assert told(answer) == STORED
    assert SarahState.objects.values().get() == before


@postgresql
@pytest.mark.parametrize(
    ("table", "fault", "at_commit"),
    [
        (LEADS, KILL, False),
        (CONVERSATIONS, KILL, False),
        (CONVERSATIONS, KILL, True),
        (CONVERSATIONS, DEADLOCK, False),
        (CONVERSATIONS, DEADLOCK, True),
    ],
    ids=["killed in the sync", "killed", "killed at commit", "deadlock", "deadlock at commit"],
)
def test_a_message_lost_once_is_received_at_the_second_attempt(
    bot: Bot, table: str, fault: str, at_commit: bool
) -> None:
    lead = ContactFactory(phone=PHONE)

    with failing(table, fault, times=1, at_commit=at_commit):
        answer = bot.post(**NEWS)

    assert told(answer) == SYNCED
    assert_received_once(lead)
    assert not SyncFailure.objects.exists()


@postgresql
@pytest.mark.parametrize("table", [LEADS, CONVERSATIONS])
def test_a_commit_that_is_refused_is_never_answered_200(bot: Bot, table: str, caplog) -> None:
    ContactFactory(phone=PHONE)

    with failing(table, REFUSE, at_commit=True), caplog.at_level(logging.INFO):
        answer = bot.post(**NEWS)

    assert answer.status_code >= 500
    assert answer.json()["error"]
    assert MESSAGE not in answer.text
    assert not SarahState.objects.exists()
    assert_discreet(caplog.text)


@postgresql
@pytest.mark.parametrize("said_before", [0, 2])
def test_a_victim_of_deadlocks_in_the_sync_is_saved_and_retried(bot: Bot, said_before: int) -> None:
    ContactFactory(phone=PHONE)
    for count in range(said_before):
        bot.post(message_count=count)

    with failing(LEADS, DEADLOCK):
        answer = bot.post(**NEWS)

    assert told(answer) == SAVED_ONLY
    assert SarahState.objects.get().next_sync_at
    assert told(bot.post(**NEWS)) == SYNCED
