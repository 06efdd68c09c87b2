"""Whoever holds a lock, on whatever: no bot waits for long, and no message is lost by the sync."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from contacts.models import Contact
from leadsync.models import ApiKey
from monitoring.models import SyncFailure
from sarah.api.spooling import drain
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, WorkspaceFactory
from tests.faults import (
    CONVERSATIONS,
    FAILURES,
    LEADS,
    NEWS,
    SAVED_ONLY,
    STORED,
    lock_waits,
    locked,
    postgresql,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)

A_LEAD = f"SELECT 1 FROM {LEADS} FOR UPDATE"
ALL_LEADS = f"LOCK TABLE {LEADS} IN ACCESS EXCLUSIVE MODE"
THE_CONVERSATION = f"SELECT 1 FROM {CONVERSATIONS} FOR UPDATE"
WRITES = f"UPDATE {LEADS} SET name = name"
"""A statement that makes its transaction the only writer of SQLite."""


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    """The result of the call, and for how many seconds it waited for locks."""
    with lock_waits() as waits:
        return call(), sum(waits) / 1000


@pytest.fixture
def lead() -> Contact:
    return ContactFactory(phone=PHONE)


@postgresql
@pytest.mark.parametrize("held", [A_LEAD, ALL_LEADS], ids=["its lead", "the table of leads"])
@pytest.mark.parametrize("said_before", [0, 2], ids=["first message", "later message"])
@pytest.mark.parametrize("is_bound", [True, False], ids=["bound key", "key for all"])
def test_a_message_is_saved_while_leads_are_locked_and_synced_later(
    lead: Contact, held: str, said_before: int, is_bound: bool
) -> None:
    bot = Bot("a-bot", workspace=lead.workspace if is_bound else None)
    for count in range(said_before):
        bot.post(message_count=count)

    with locked(held):
        answer, waited = timed(lambda: bot.post(**NEWS))

    assert told(answer) == SAVED_ONLY
    assert waited < 2
    assert SarahState.objects.get().lead_score == 80
    call_command("resync")
    lead.refresh_from_db()
    assert (lead.name, lead.lead_status) == ("Budi Santoso", "contacted")
    assert {failure.resolution for failure in SyncFailure.objects.all()} == {"healed"}


@postgresql
def test_a_message_to_a_locked_conversation_is_stored_and_comes_in_afterwards(
    bot: Bot, lead: Contact
) -> None:
    bot.post(lead_score=20)

    with locked(THE_CONVERSATION):
        answer, waited = timed(lambda: bot.post(**NEWS))
        drain()
        assert SarahState.objects.get().lead_score == 20

    assert told(answer) == STORED
    assert waited < 0.8
    assert drain() == 1
    lead.refresh_from_db()
    assert lead.lead_score == 80


def test_a_message_beside_another_writer_of_sqlite_is_stored_and_comes_in_afterwards(
    bot: Bot, lead: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL has many writers")
    bot.post(lead_score=20)
    monkeypatch.setattr("leadsync.infra.waits.SQLITE_WAIT_MS", 400)

    with locked(WRITES):
        first, waited = timed(lambda: bot.post(message_count=3))
        second, waited_again = timed(lambda: bot.post(**NEWS))

    assert [told(first), told(second)] == [STORED, STORED]
    assert waited == 0.4
    assert waited_again < 0.4
    assert drain() == 2
    lead.refresh_from_db()
    assert lead.lead_score == 80


@postgresql
@pytest.mark.parametrize(
    "table", ["leadsync_apikey", "contacts_workspace", CONVERSATIONS, LEADS, "sarah_stateupdate"]
)
def test_whatever_table_is_locked_a_bot_is_answered_within_two_seconds(
    lead: Contact, table: str
) -> None:
    bot = Bot("a-bot")
    bot.post(lead_score=20)

    with locked(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
        posted, waited = timed(lambda: bot.post(**NEWS))
        _read, waited_to_read = timed(bot.get)

    assert posted.status_code == 200
    assert max(waited, waited_to_read) < 2
    drain()
    assert SarahState.objects.get().lead_score == 80


ALL_BUT_CONVERSATIONS = (
    *(LEADS, "contacts_addresschange", "contacts_statuschange"),
    *("sarah_stateupdate", FAILURES, "monitoring_failuregroup"),
)
SEVERAL = [(LEADS, "monitoring_failuregroup"), ALL_BUT_CONVERSATIONS]
MESSAGES: dict[str, dict[str, Any]] = {
    "of a lead": {},
    "of somebody unknown": {"contact_phone": "+6281200000009"},
    "with a field that is unusable": {"lead_score": "x"},
    "with both ids": {"business_scoped_user_id": "ID.77"},
}


@postgresql
@pytest.mark.parametrize("tables", SEVERAL, ids=["two tables", "all others"])
@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_waits_for_several_locks_end_by_one_deadline(
    lead: Contact,
    tables: tuple[str, ...],
    message: dict[str, Any],
) -> None:
    WorkspaceFactory(slug="other")
    bot = Bot("a-bot")

    with locked(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE"):
        answer, waited = timed(lambda: bot.post(**{**NEWS, **message}))

    assert answer.status_code == 200
    assert waited < 1.5
    drain()
    assert SarahState.objects.get().message_count == NEWS["message_count"]


@postgresql
def test_a_get_is_quick_beside_blocked_messages(lead: Contact) -> None:
    """All have threads of their own."""
    bot, blocked = Bot("a-bot"), ContactFactory.create_batch(8)
    reader = Bot("reader")
    reader.post(lead_score=20)

    with locked(ALL_LEADS), ThreadPoolExecutor(len(blocked)) as pool:
        posts = [pool.submit(in_thread, partial(bot.post, one.phone, **NEWS)) for one in blocked]
        waits = [timed(reader.get)[1] for _time in range(15)]
        answers = [post.result() for post in posts]

    assert {answer.status_code for answer in answers} == {200}
    assert waits == [0] * 15


def in_thread(call: Callable[[], Any]) -> Any:
    try:
        return call()
    finally:
        connection.close()


@postgresql
def test_other_bots_are_answered_while_leads_are_locked(bot: Bot, lead: Contact) -> None:
    bot.post(lead_score=20)

    with locked(ALL_LEADS):
        answer, waited = timed(bot.get)

    assert answer.json()["lead_score"] == 20
    assert waited == 0


def test_no_get_waits_for_whoever_writes(bot: Bot, lead: Contact) -> None:
    bot.post(lead_score=20)
    ApiKey.objects.update(last_used_at=None)

    with locked(WRITES):
        answer, waited = timed(bot.get)

    assert answer.json()["lead_score"] == 20
    assert waited < 0.05


@postgresql
def test_no_get_waits_for_whoever_saves_its_key(bot: Bot) -> None:
    used_at = timezone.now()
    bot.get()
    ApiKey.objects.update(last_used_at=None)

    with locked(f"SELECT 1 FROM {ApiKey._meta.db_table} FOR UPDATE"):
        answer, waited = timed(bot.get)
    bot.get()

    assert answer.status_code == 200
    assert waited < 0.05
    assert ApiKey.objects.get().last_used_at > used_at
