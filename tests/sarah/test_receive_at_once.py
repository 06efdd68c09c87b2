"""Messages, forms and commands that meet: nothing is lost, doubled or stuck."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction

from contacts.models import Contact, Workspace
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, SYNCED, Bot, not_synced
from tests.factories import ANY_MOVE, ContactFactory, WorkspaceFactory
from tests.threads import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("endless_waits")]

MESSAGES = 24
ROUNDS = 4
FACTS = {f"fact_{number}": number for number in range(MESSAGES)}


def messages(bot: Bot, phone: str = PHONE, **fields: Any) -> list[Callable[[], Any]]:
    """As many messages of one lead, each of which brings another fact; all have the same news."""
    return [
        partial(
            Bot.post, bot, phone, **fields, extracted_data={key: value, "business_type": "cafe"}
        )
        for key, value in FACTS.items()
    ]


def rush(sent: list[Callable[[], Any]], *others: Callable[[], Any]) -> tuple[list[Any], list[Any]]:
    """The answers to messages that come in at once, and what the others beside them return."""
    results = at_once([*sent, *others])
    responses = results[: len(sent)]
    assert {response.status_code for response in responses} == {200}
    return [response.json() for response in responses], results[len(sent) :]


def assert_nothing_lost(state: SarahState, *, revision: int = MESSAGES) -> None:
    assert state.extracted_data == FACTS | {"business_type": "cafe"}
    assert state.revision == revision


def assert_healed(lead: Contact) -> None:
    lead.refresh_from_db()
    state = SarahState.objects.get(contact_phone=lead.phone)
    assert_nothing_lost(state)
    assert (state.contact, state.sync_reason, state.sync_attempts) == (lead, "", 0)
    assert state.synced_at
    assert not state.failures.open().exists()
    assert (lead.business_type, lead.lead_status) == ("cafe", "qualified")
    assert lead.status_changes.count() == 1


def test_simultaneous_first_messages_of_a_lead_make_one_conversation(bot: Bot) -> None:
    for lead in ContactFactory.create_batch(ROUNDS):
        answers, _ = rush(messages(bot, lead.phone, state="qualifying"))

        assert answers == [SYNCED] * MESSAGES
        assert_healed(lead)
    assert not SyncFailure.objects.exists()


def test_simultaneous_first_messages_of_a_stranger_make_one_failure(bot: Bot) -> None:
    for stranger in ContactFactory.build_batch(ROUNDS, workspace=None):
        answers, _ = rush(messages(bot, stranger.phone))

        assert answers == [not_synced("contact_not_found")] * MESSAGES
        assert_nothing_lost(SarahState.objects.get(contact_phone=stranger.phone))
        failure = SyncFailure.objects.get(contact_phone=stranger.phone)
        assert failure.occurrences == MESSAGES


def test_simultaneous_first_messages_of_a_stranger_make_one_lead_where_that_is_wanted(
    bot: Bot,
) -> None:
    Workspace.objects.update(creates_contacts=True)

    for stranger in ContactFactory.build_batch(ROUNDS, workspace=None):
        answers, _ = rush(messages(bot, stranger.phone, state="qualifying"))

        assert answers == [SYNCED] * MESSAGES
        assert_healed(Contact.objects.get(phone=stranger.phone))


def test_a_lead_added_while_its_messages_come_in_is_synced_in_the_end(bot: Bot) -> None:
    workspace = WorkspaceFactory()

    for stranger in ContactFactory.build_batch(2 * ROUNDS, workspace=None):
        add = partial(ContactFactory, phone=stranger.phone, workspace=workspace)
        _, (lead,) = rush(messages(bot, stranger.phone, state="qualifying"), add)

        assert_healed(lead)


def test_a_workspace_added_while_its_messages_come_in_adopts_them(bot: Bot) -> None:
    WorkspaceFactory()

    for number in range(ROUNDS):
        slug = f"branch-{number}"
        add = partial(WorkspaceFactory, slug=slug, creates_contacts=True)
        rush(messages(bot, workspace_id=slug, state="qualifying"), add)

        state = SarahState.objects.get(workspace__slug=slug)
        assert state.extracted_data == FACTS | {"business_type": "cafe"}
        assert (state.sync_reason, state.contact) == ("", Contact.objects.get(workspace__slug=slug))
        assert not SarahState.objects.filter(workspace=None).exists()
        assert not SyncFailure.objects.open().exists()


def test_two_bots_that_meet_while_the_lead_is_added_end_in_one_conversation(bot: Bot) -> None:
    home, other = WorkspaceFactory(), WorkspaceFactory(slug="other")
    bound = Bot("bound-bot", workspace=home)

    for stranger in ContactFactory.build_batch(2 * ROUNDS, workspace=None):
        half = MESSAGES // 2
        sent = [
            *messages(bot, stranger.phone, state="qualifying")[:half],
            *messages(bound, stranger.phone, state="qualifying")[half:],
        ]
        _, (lead,) = rush(sent, partial(ContactFactory, phone=stranger.phone, workspace=home))

        state = SarahState.objects.get(contact_phone=stranger.phone)
        assert state.extracted_data == FACTS | {"business_type": "cafe"}
        assert (state.contact, state.sync_reason) == (lead, "")
        assert not SyncFailure.objects.open().filter(contact_phone=stranger.phone).exists()
    assert not SarahState.objects.filter(workspace=other).exists()


def test_staff_and_the_bot_write_to_one_lead_without_losing_each_others_words(bot: Bot) -> None:
    for lead in ContactFactory.create_batch(ROUNDS):
        staff = [
            partial(by_staff, lead, {field: value})
            for field, value in (
                *(("lead_status", "contacted"), ("email", "budi@example.com")),
                *(("tags", ["vip"]), ("lead_status", "archived")),
            )
        ]

        answers, _ = rush(messages(bot, lead.phone, state="qualifying"), *staff)

        assert answers == [SYNCED] * MESSAGES
        assert_nothing_lost(SarahState.objects.get(contact_phone=lead.phone))
        lead.refresh_from_db()
        assert (lead.email, lead.tags, lead.business_type) == ("budi@example.com", ["vip"], "cafe")
        assert_unbroken_history(lead)


def by_staff(lead: Contact, values: dict[str, object]) -> None:
    """What the lead's form does: it locks the row and writes what the person changed."""
    with transaction.atomic():
        locked = Contact.objects.select_for_update(no_key=True).get(pk=lead.pk)
        locked.change(values, by="ani", why=ANY_MOVE)


def assert_unbroken_history(lead: Contact) -> None:
    """Each move of the status begins where the one before it ended."""
    status = "new"
    for move in lead.status_changes.order_by("pk"):
        assert move.from_status == status
        status = move.to
    assert lead.lead_status == status


def test_messages_and_a_retry_of_everything_do_not_disturb_each_other(bot: Bot) -> None:
    retry_all = partial(call_command, "resync", all=True)
    leads = ContactFactory.create_batch(ROUNDS)
    for lead in leads:
        bot.post(lead.phone, business_type="shop")

    for lead in leads:
        answers, _ = rush(messages(bot, lead.phone, state="qualifying"), retry_all, retry_all)

        assert answers == [SYNCED] * MESSAGES
        lead.refresh_from_db()
        assert (lead.business_type, lead.lead_status) == ("cafe", "qualified")
        assert_nothing_lost(SarahState.objects.get(contact_phone=lead.phone), revision=MESSAGES + 1)
    assert not SyncFailure.objects.exists()


def test_equal_refused_bodies_at_once_make_one_failure_that_counts_them(bot: Bot) -> None:
    responses = at_once([partial(bot.send, "no JSON")] * MESSAGES)

    assert {response.status_code for response in responses} == {400}
    failure = SyncFailure.objects.get()
    assert (failure.kind, failure.occurrences) == ("rejected_payload", MESSAGES)
