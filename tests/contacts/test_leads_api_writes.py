"""What the manager bot writes to leads: signed, by the rules, and once however often it repeats."""

from datetime import timedelta
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.utils import timezone

from contacts.models import Contact, Note
from contacts.workflow import LeadStatus
from leadsync.models import ANSWERS_KEPT_FOR, IdempotentAnswer
from monitoring.pruning import prune
from tests.callers import Caller
from tests.contacts.test_workflow import BY_BOTS
from tests.factories import ANY_MOVE, ContactFactory, WorkspaceFactory
from tests.faults import postgresql
from tests.threads import at_once

pytestmark = pytest.mark.django_db

ARCHIVED = {"archive_reason": "no_answer"}


@pytest.fixture
def caller() -> Caller:
    return Caller("leads:write", name="manager-bot")


@pytest.fixture
def lead() -> Contact:
    return ContactFactory()


def at(lead: Contact, what: str) -> str:
    return f"/api/v1/leads/{lead.pk}/{what}/"


def lines(lead: Contact) -> list[tuple[str, ...]]:
    return list(lead.status_changes.values_list("from_status", "to", "by", "actor_kind", "reason"))


# The status


@pytest.mark.parametrize(("current", "to"), [*product(LeadStatus.values, repeat=2)])
def test_a_bot_moves_a_lead_as_the_table_says(caller: Caller, current: str, to: str) -> None:
    lead = ContactFactory(lead_status=current)

    answer = caller.send(at(lead, "status"), {"status": to, "reason": "Paid."} | ARCHIVED)

    lead.refresh_from_db()
    if current == to:
        assert (answer.status_code, answer.json()["changed"], lines(lead)) == (200, False, [])
    elif (current, to) in BY_BOTS:
        told = answer.json()
        assert (answer.status_code, told["changed"], told["lead_status"]) == (200, True, to)
        assert told["status_changed_by"] == "manager-bot"
        assert (lead.lead_status, lead.last_contact_at, lead.moved_by_person_at) == (to, None, None)
        assert lines(lead) == [(current, to, "manager-bot", "bot", "Paid.")]
    else:
        told = answer.json()
        assert (answer.status_code, told["code"]) == (409, "invalid_transition")
        assert told["error"].startswith(f"Invalid transition: {current} -> {to}. Allowed from")
        assert (lead.lead_status, lines(lead)) == (current, [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "status"),
        ({"status": "won"}, "status"),
        ({"status": "archived"}, "archive_reason"),
        ({"status": "archived", "archive_reason": "tired"}, "archive_reason"),
        ({"status": "archived", "archive_reason": "other"}, "reason"),
        ({"status": "qualified", "reason": "x" * 501}, "reason"),
        ({"status": "qualified", "as_of": "soon"}, "as_of"),
    ],
)
def test_a_move_that_is_not_explained_changes_nothing(
    caller: Caller, lead: Contact, body: Any, field: str
) -> None:
    answer = caller.send(at(lead, "status"), body)

    assert (answer.status_code, [*answer.json()["fields"]]) == (400, [field])
    assert not lead.status_changes.exists()


def test_a_persons_later_word_stands(caller: Caller, lead: Contact) -> None:
    read = timezone.now()
    lead.change_status("qualified", by="dewi")
    body = {"status": "converted"}

    answer = caller.send(at(lead, "status"), body | {"as_of": read.isoformat()})

    assert (answer.status_code, answer.json()["code"]) == (409, "invalid_transition")
    assert "A person has moved this lead since" in answer.json()["error"]
    lead.refresh_from_db()
    assert lead.lead_status == "qualified"
    now = timezone.now().isoformat()
    assert caller.send(at(lead, "status"), body | {"as_of": now}).status_code == 200


# Notes


def test_a_note_is_signed_by_the_bot_and_kept_whole(caller: Caller, lead: Contact) -> None:
    text = "Mau demo.\n" + "x" * 4990

    answer = caller.send(at(lead, "notes"), {"text": text, "kind": "chat"})

    note = lead.notes.get()
    assert (answer.status_code, answer.json()["id"]) == (201, note.pk)
    assert (note.text, note.kind, note.author, note.author_kind) == (
        *(text, "chat", "manager-bot", "bot"),
    )
    lead.refresh_from_db()
    assert lead.last_contact_at is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "x" * 5001},
        {"text": " \u200b "},
        {"text": "Hi", "kind": "song"},
        [],
        "Hi",
    ],
)
def test_a_note_that_cannot_be_kept_whole_is_refused(
    caller: Caller, lead: Contact, body: Any
) -> None:
    assert caller.send(at(lead, "notes"), body).status_code == 400
    assert not Note.objects.exists()


# Who may


@pytest.mark.parametrize(
    ("what", "body"), [("status", {"status": "qualified"}), ("notes", {"text": "Hi"})]
)
def test_only_a_key_that_may_write_and_only_in_its_workspace(what: str, body: Any) -> None:
    here, there = ContactFactory(), ContactFactory(workspace=WorkspaceFactory(slug="two"))
    bound = Caller("leads:write", workspace=here.workspace)

    assert Caller("leads:read").send(at(here, what), body).status_code == 403
    assert bound.send(at(there, what), body).status_code == 404
    assert bound.send(at(here, what), body).status_code in (200, 201)
    assert not there.notes.exists()
    assert not there.status_changes.exists()


# Repeats


def repeatable(caller: Caller, lead: Contact, key: str, what: str = "notes", **body: Any) -> Any:
    body = body or {"text": "Called."}
    headers = {"Idempotency-Key": key}
    return caller.post(at(lead, what), body, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    ("what", "body"), [("status", {"status": "qualified"}), ("notes", {"text": "Hi"})]
)
def test_a_repeat_writes_nothing_and_returns_the_first_answer(
    caller: Caller, lead: Contact, what: str, body: Any
) -> None:
    key = str(uuid4())
    first = repeatable(caller, lead, key, what, **body)
    lead.change_status("archived", by="ani", why=ANY_MOVE)

    again = repeatable(caller, lead, key, what, **body)

    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert lead.notes.count() + lead.status_changes.filter(actor_kind="bot").count() == 1
    lead.refresh_from_db()
    assert lead.lead_status == "archived"


def test_a_key_belongs_to_one_bot_and_one_request(caller: Caller, lead: Contact) -> None:
    repeatable(caller, lead, "k")

    other = repeatable(caller, lead, "k", text="Another.")

    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    assert repeatable(caller, ContactFactory(), "k").status_code == 409
    assert repeatable(Caller("leads:write", name="grok-bot"), lead, "k").status_code == 201
    assert repeatable(caller, lead, "k" * 256).status_code == 400
    assert Note.objects.count() == 2


def test_a_refused_request_may_be_repeated(caller: Caller, lead: Contact) -> None:
    Contact.objects.update(lead_status="archived")
    assert repeatable(caller, lead, "k", "status", status="qualified").status_code == 409
    Contact.objects.update(lead_status="new")

    assert repeatable(caller, lead, "k", "status", status="qualified").status_code == 200


def test_a_key_is_free_again_after_a_day(caller: Caller, lead: Contact) -> None:
    repeatable(caller, lead, "k")

    with time_machine.travel(timezone.now() + ANSWERS_KEPT_FOR + timedelta(seconds=1)):
        repeatable(caller, lead, "k")
        assert (lead.notes.count(), IdempotentAnswer.objects.count()) == (2, 1)
    with time_machine.travel(timezone.now() + 3 * ANSWERS_KEPT_FOR):
        assert prune()["answers to repeats"] == 1


@postgresql  # SQLite has one writer at a time
@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_writes_and_both_get_its_answer(caller: Caller, lead: Contact) -> None:
    answers = at_once([lambda: repeatable(caller, lead, "k").json()] * 2)

    assert answers[0] == answers[1]
    assert lead.notes.count() == 1
