"""Whatever breaks, a message is saved or the bot is told that it is not."""

import logging
import time
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from contacts.models import Contact
from leadsync.models import ApiKey
from monitoring.models import SyncFailure
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
    REFUSE,
    database_away,
    failing,
    refusing,
)

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
postgresql = pytest.mark.skipif(
    "postgres" not in settings.DATABASES["default"]["ENGINE"], reason="needs PostgreSQL"
)

SYNCED = 200, {"success": True, "sync": True}
SAVED_ONLY = 200, {"success": True, "sync": False, "syncReason": "sync_error"}
NEWS = {
    "state": "handoff",
    "lead_score": 80,
    "lead_temperature": "hot",
    "extracted_data": {"name": "Budi Santoso", "business_type": "cafe"},
    "message_count": 4,
}


def told(answer: Any) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def assert_refused_for_now(answer: Any) -> None:
    assert told(answer) == (
        503,
        {
            "error": "The database cannot be reached right now. Send the request again.",
            "code": "database_unavailable",
        },
    )


def assert_stored_once(lead: Contact) -> None:
    lead.refresh_from_db()
    state = SarahState.objects.get()
    assert (state.revision, state.contact, state.sync_reason) == (1, lead, "")
    assert (lead.name, lead.lead_score, lead.lead_status) == ("Budi Santoso", 80, "contacted")
    assert lead.status_changes.count() == 1


# The leads cannot be written


def test_messages_are_saved_while_leads_refuse_writes(bot: Bot) -> None:
    leads = ContactFactory.create_batch(3)
    before = list(Contact.objects.order_by("pk").values())

    with refusing(LEADS):
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


def test_a_new_lead_that_cannot_be_made_does_not_cost_the_message(bot: Bot) -> None:
    lead = ContactFactory.build()
    workspace = ContactFactory().workspace
    workspace.creates_contacts = True
    workspace.save()

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
    assert (lead.name, lead.business_type, lead.lead_status) == (
        "Budi Santoso",
        "cafe",
        "contacted",
    )


def test_resync_heals_what_broken_leads_left_behind(bot: Bot) -> None:
    leads = ContactFactory.create_batch(3)
    with refusing(LEADS):
        for lead in leads:
            bot.post(lead.phone, **NEWS)

    call_command("resync")

    assert not SyncFailure.objects.open().exists()
    assert not SarahState.objects.out_of_sync().exists()
    assert set(Contact.objects.values_list("lead_score", "lead_status")) == {(80, "contacted")}


def test_the_cause_is_logged_without_personal_data(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    ContactFactory(phone=PHONE)

    with caplog.at_level(logging.DEBUG), refusing(LEADS):
        bot.post(**NEWS)

    state = SarahState.objects.get()
    assert f"The sync of conversation {state.pk} failed: " in caplog.text
    assert_discreet(caplog.text)


# The failures cannot be recorded either


def test_messages_are_saved_while_leads_and_failures_refuse_writes(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
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
    ("fields", "answer"),
    [
        ({}, {"success": True, "sync": False, "syncReason": "contact_not_found"}),
        (
            {"lead_score": "?"},
            {
                "success": True,
                "sync": False,
                "syncReason": "contact_not_found",
                "warnings": {"lead_score": "lead_score is not a number; we left it out."},
            },
        ),
    ],
    ids=["unknown lead", "unusable field"],
)
def test_a_broken_failure_log_changes_no_answer(bot: Bot, fields: dict, answer: dict) -> None:
    with refusing(FAILURES):
        response = bot.post(message_count=4, **fields)

    assert told(response) == (200, answer)
    assert SarahState.objects.get().message_count == 4


def test_a_refusal_stays_a_refusal_when_it_cannot_be_recorded(bot: Bot) -> None:
    with refusing(FAILURES):
        answer = bot.post("")

    assert told(answer) == (400, {"error": "contact_phone is required", "code": "invalid"})


def assert_discreet(log: str) -> None:
    """No phone, name or exception's message; the statements of the test itself do not count."""
    lines = [line for line in log.splitlines() if "fault_" not in line]
    for secret in ("81234567890", "Budi", "Santoso", "is refused"):
        assert not [line for line in lines if secret in line]


# The connection is lost


@postgresql
@pytest.mark.parametrize("table", [LEADS, CONVERSATIONS, FAILURES])
def test_a_connection_that_always_dies_is_answered_503_and_leaves_nothing(
    bot: Bot, table: str
) -> None:
    known = table == LEADS
    ContactFactory(phone=PHONE if known else "+6281234567891")

    with failing(table, KILL):
        answer = bot.post(**NEWS)

    assert_refused_for_now(answer)
    assert not SarahState.objects.exists()
    assert not SyncFailure.objects.exists()
    assert set(Contact.objects.values_list("name", "lead_score")) == {("", 0)}


@postgresql
def test_a_connection_that_dies_leaves_an_earlier_message_as_it_was(bot: Bot) -> None:
    ContactFactory(phone=PHONE)
    bot.post(message_count=1, lead_score=20)
    before = SarahState.objects.values().get()

    with failing(LEADS, KILL):
        answer = bot.post(**NEWS)

    assert_refused_for_now(answer)
    assert SarahState.objects.values().get() == before


@postgresql
def test_a_connection_that_dies_while_the_failure_is_recorded_leaves_nothing(bot: Bot) -> None:
    ContactFactory(phone=PHONE)

    with refusing(LEADS), failing(FAILURES, KILL):
        answer = bot.post(**NEWS)

    assert_refused_for_now(answer)
    assert not SarahState.objects.exists()


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
def test_a_message_lost_once_is_taken_in_by_the_second_try(
    bot: Bot, table: str, fault: str, at_commit: bool
) -> None:
    lead = ContactFactory(phone=PHONE)

    with failing(table, fault, times=1, at_commit=at_commit):
        answer = bot.post(**NEWS)

    assert told(answer) == SYNCED
    assert_stored_once(lead)
    assert not SyncFailure.objects.exists()


@postgresql
@pytest.mark.parametrize("table", [LEADS, CONVERSATIONS])
def test_a_commit_that_is_refused_is_never_answered_200(
    bot: Bot, table: str, caplog: pytest.LogCaptureFixture
) -> None:
    ContactFactory(phone=PHONE)

    with failing(table, REFUSE, at_commit=True), caplog.at_level(logging.INFO):
        answer = bot.post(**NEWS)

    assert answer.status_code >= 500
    assert answer.json()["error"]
    assert MESSAGE not in answer.text
    assert not SarahState.objects.exists()
    assert_discreet(caplog.text)


@postgresql
def test_a_victim_of_a_deadlock_in_the_sync_is_saved_and_retried(bot: Bot) -> None:
    ContactFactory(phone=PHONE)

    with failing(LEADS, DEADLOCK, times=1):
        answer = bot.post(**NEWS)

    assert told(answer) == SAVED_ONLY
    assert SarahState.objects.get().next_sync_at
    assert told(bot.post(**NEWS)) == SYNCED


@postgresql
def test_a_lead_held_by_a_form_does_not_hold_up_the_bot(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    form = connection.copy()
    form.set_autocommit(False)
    with form.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '5s'")  # else a bug hangs here
        cursor.execute(f"SELECT 1 FROM {LEADS} WHERE id = %s FOR UPDATE", [lead.pk])

    started = time.monotonic()
    answer = bot.post(**NEWS)
    waited = time.monotonic() - started
    form.rollback()
    form.close()

    assert told(answer) == SAVED_ONLY
    assert waited < 1.5
    call_command("resync")
    lead.refresh_from_db()
    assert (lead.name, lead.lead_status) == ("Budi Santoso", "contacted")
    assert SyncFailure.objects.get().resolution == "healed"


# The database is away


def test_while_the_database_is_away_the_bot_is_told_so(
    bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    with database_away():
        answers = [bot.get(), bot.post(**NEWS)]

    for answer in answers:
        assert_refused_for_now(answer)
    assert_discreet(caplog.text)
    assert told(bot.post(**NEWS))[0] == 200


def test_while_the_database_is_away_the_process_is_alive_and_not_ready(client: Client) -> None:
    with database_away():
        alive, ready = client.get("/healthz"), client.get("/readyz")

    assert alive.status_code == 200
    assert told(ready) == (503, {"error": "The database cannot be reached."})


# Who may not come in


def test_guessing_keys_is_slowed_down_and_valid_keys_are_not(bot: Bot) -> None:
    guesser = Client(headers={"Authorization": "Bearer ls_guess"})

    guesses = [guesser.get("/sarah/state", {"contact_phone": PHONE}) for _ in range(31)]

    assert [guess.status_code for guess in guesses] == [401] * 30 + [429]
    assert guesses[-1].json()["error"]
    assert 1 <= int(guesses[-1].headers["Retry-After"]) <= 61
    assert {bot.get().status_code for _ in range(31)} == {200}
    assert told(bot.post())[0] == 200


def test_a_key_whose_use_cannot_be_noted_still_opens_the_door(bot: Bot) -> None:
    ContactFactory(phone=PHONE)

    with refusing(ApiKey._meta.db_table):
        answer = bot.post(**NEWS)

    assert told(answer) == SYNCED
