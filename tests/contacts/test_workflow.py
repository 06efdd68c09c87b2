"""The status machine: all 25 pairs, by person, bot and superuser, one by one and in bulk."""

from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts import bulk
from contacts.models import AuthorKind, Contact, Milestone
from contacts.workflow import LeadStatus, MoveRefused, Why, is_forward
from tests.bot import PHONE, Bot
from tests.contacts.pages import moves, page_of
from tests.factories import ANY_MOVE, ContactFactory
from tests.staff import Staff, messages_of
from tests.threads import at_once

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

BY_PEOPLE = {
    ("new", "qualified"),
    ("new", "archived"),
    ("qualified", "contacted"),
    ("qualified", "archived"),
    ("contacted", "converted"),
    ("contacted", "qualified"),
    ("contacted", "archived"),
    ("converted", "archived"),
    ("archived", "new"),
}
BY_BOTS = {
    ("new", "qualified"),
    ("new", "contacted"),
    ("new", "converted"),
    ("qualified", "contacted"),
    ("qualified", "converted"),
    ("contacted", "converted"),
    ("new", "archived"),
    ("qualified", "archived"),
    ("contacted", "archived"),
}
PAIRS = [*product(LeadStatus.values, repeat=2)]
WELL_FOUNDED = Why(text="Said so.", archived="price")
ACTORS: dict[str, tuple[set[tuple[str, str]], dict[str, Any]]] = {
    "person": (BY_PEOPLE, {"kind": AuthorKind.PERSON, "why": WELL_FOUNDED}),
    "bot": (BY_BOTS, {"kind": AuthorKind.BOT, "why": WELL_FOUNDED}),
    "superuser": (
        {(one, other) for one, other in PAIRS if one != other},
        {"kind": AuthorKind.PERSON, "why": ANY_MOVE},
    ),
}


def one_by_one(lead: Contact, to: str, **said: Any) -> bool:
    try:
        return lead.change_status(to, by="ani", **said)
    except MoveRefused:
        return False


def in_bulk(lead: Contact, to: str, **said: Any) -> bool:
    done = bulk.change_status(Contact.objects.filter(pk=lead.pk), to, by="ani", **said)
    assert done.moved + done.refused == (lead.lead_status != to)
    return bool(done.moved)


@pytest.mark.parametrize("move", [one_by_one, in_bulk])
@pytest.mark.parametrize("actor", ACTORS)
@pytest.mark.parametrize(("current", "to"), PAIRS)
def test_a_status_moves_as_the_table_says_and_leaves_a_line(current, to, actor, move) -> None:
    allowed, said = ACTORS[actor]
    lead = ContactFactory(lead_status=current)

    assert move(lead, to, **said) is ((current, to) in allowed)

    lead.refresh_from_db()
    told = [(one.from_status, one.to, one.by, one.actor_kind) for one in lead.status_changes.all()]
    if (current, to) not in allowed:
        assert (lead.lead_status, lead.status_changed_at, told) == (current, None, [])
        return
    assert (lead.lead_status, told) == (to, [(current, to, "ani", said["kind"])])
    line = lead.status_changes.get()
    assert line.reason == said["why"].text
    assert line.archive_reason == (said["why"].archived if to == "archived" else "")


def test_a_status_that_nobody_knows_is_no_move():
    assert not is_forward("new", "won")
    assert not is_forward("lost", "qualified")


@pytest.mark.parametrize(
    ("to", "why", "field"),
    [
        ("archived", Why(), "archive_reason"),
        ("archived", Why(archived="tired"), "archive_reason"),
        ("archived", Why(archived="other"), "reason"),
        ("converted", Why(forced=True), "reason"),
    ],
)
def test_an_archived_or_forced_lead_needs_a_reason(to: str, why: Why, field: str) -> None:
    lead = ContactFactory()

    for move in (lead.change_status, partial(bulk.change_status, Contact.objects.all())):
        with pytest.raises(MoveRefused) as refused:
            move(to, by="ani", why=why)
        assert refused.value.field == field


# At the admin


def test_a_leads_page_offers_its_moves_and_refuses_the_others_in_words() -> None:
    lead = ContactFactory()
    dewi = Staff("Sales", username="dewi").client
    page = dewi.get(page_of(lead))
    assert [status for status, _ in page.context["heading"].moves] == ["qualified"]
    assert page.context["heading"].may_archive

    assert messages_of(moves(dewi, lead, "converted")) == [
        "Invalid transition: new -> converted. Allowed from new: qualified, archived."
    ]
    assert messages_of(moves(dewi, lead, "archived")) == ["Say why the lead is archived."]
    archived = moves(dewi, lead, "archived", archive_reason="price", reason="Rp 5 juta")
    [line] = lead.status_changes.all()
    assert (line.to, line.archive_reason, line.reason) == ("archived", "price", "Rp 5 juta")
    assert "Too expensive · Rp 5 juta" in archived.content.decode()


@pytest.mark.django_db(transaction=True)
def test_a_move_that_somebody_has_overtaken_is_explained(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    dewi = Staff("Sales").client
    bot.post(state="completed")

    assert messages_of(moves(dewi, lead, "qualified", shown="new")) == [
        "Nothing was changed: meanwhile this lead was moved to “Converted”."
    ]


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_press_at_once_one_moves_the_lead_and_the_other_is_told() -> None:
    lead, clients = ContactFactory(), [Staff("Sales").client for _ in range(2)]

    def press(client: Client, to: str) -> list[str]:
        said = {"to": to, "shown": "new", "archive_reason": "price"}
        answer: Any = client.post(reverse("admin:contacts_contact_move", args=[lead.pk]), said)
        return [str(message) for message in get_messages(answer.wsgi_request)]

    pairs = zip(clients, ("qualified", "archived"), strict=True)
    [moved], [refused] = sorted(at_once([partial(press, *pair) for pair in pairs]))

    assert moved.startswith("Moved to “")
    assert refused.startswith("Nothing was changed: meanwhile this lead was moved to “")
    assert lead.status_changes.count() == 1


def test_a_superuser_forces_a_move_only_with_a_reason() -> None:
    lead, other = ContactFactory(), ContactFactory()
    boss = Staff(username="boss", is_superuser=True)

    moves(boss.client, lead, "converted", forced="1")
    assert not lead.status_changes.exists()
    moves(boss.client, lead, "converted", forced="1", reason="Paid cash.")
    forced = {"confirmed": "1", "status": "contacted"}
    boss.runs("force_status", [lead, other], **forced)
    boss.runs("force_status", [lead, other], **forced, reason="Met them.")

    lines = lead.status_changes.order_by("pk").values_list("from_status", "to", "by", "reason")
    assert list(lines) == [
        ("new", "converted", "boss", "Paid cash."),
        ("converted", "contacted", "boss", "Met them."),
    ]
    assert other.status_changes.count() == 1


def test_nobody_else_forces_a_move() -> None:
    lead = ContactFactory()
    dewi = Staff("Operators")

    moves(dewi.client, lead, "converted", forced="1", reason="Please.")
    forced = {"confirmed": "1", "status": "converted", "reason": "Please."}
    dewi.runs("force_status", [lead], **forced)

    assert not lead.status_changes.exists()


def test_ticked_leads_that_may_not_move_so_stay_and_are_counted() -> None:
    leads = [ContactFactory(lead_status=one) for one in ("new", "new", "converted", "qualified")]

    page = Staff("Sales").runs("change_status", leads, confirmed="1", status="contacted")

    assert messages_of(page)[0] == "1 lead moved to “Contacted”."
    assert {*messages_of(page)[1:]} == {
        "2 leads stay where they are. Invalid transition: new -> contacted. "
        "Allowed from new: qualified, archived.",
        "1 lead stays where it is. Invalid transition: converted -> contacted. "
        "Allowed from converted: archived.",
    }


REFUSED_IN = {
    "en": "Invalid transition: new -> converted. Allowed from new: qualified, archived.",
    "id": "Perubahan tidak berlaku: baru -> jadi pelanggan. "
    "Yang boleh dari baru: terkualifikasi, diarsipkan.",
}


@pytest.mark.parametrize("language", REFUSED_IN)
def test_a_person_reads_in_their_language_what_is_allowed_instead(language: str) -> None:
    lead, dewi = ContactFactory(), Staff("Sales")
    dewi.client.cookies["django_language"] = language
    card = f"/admin/contacts/contact/board/{lead.pk}/"

    told = [
        *messages_of(moves(dewi.client, lead, "converted")),
        *messages_of(dewi.runs("change_status", [lead], confirmed="1", status="converted")),
        *messages_of(dewi.client.post(card, {"status": "converted"}, follow=True)),
    ]

    assert sum(text.endswith(REFUSED_IN[language]) for text in told) == 3


# Undone


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_a_person_takes_a_move_back_as_if_it_had_never_been(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(state="handoff")
    dewi = Staff("Sales", username="dewi")
    [before] = Contact.objects.with_standing().values()

    here = f"/admin/contacts/contact/{lead.pk}/undo/"

    for undo in (lambda: dewi.client.post(here), lambda: dewi.runs("undo_moves", [lead])):
        dewi.runs("confirm_status", [lead])
        undo()

        [after] = Contact.objects.with_standing().values()
        assert after | {"updated_at": before["updated_at"]} == before
    assert after["standing"] == "handed_over"
    lines = lead.status_changes.values_list("from_status", "to", "is_undone")
    assert [*lines[:2]] == [("contacted", "contacted", True)] * 2


@pytest.mark.both_databases
def test_what_was_undone_counts_as_no_milestone() -> None:
    leads = Contact.objects.all()
    for status in ("contacted", "converted"):
        ContactFactory().change_status(status, by="dewi", why=ANY_MOVE)
    assert leads.milestones()[Milestone.QUALIFIED] == 2

    assert bulk.undo_moves(leads, by="dewi") == 2

    assert leads.milestones() == dict.fromkeys(Milestone, 0) | {Milestone.ADDED: 2}


@pytest.mark.both_databases
def test_a_call_that_was_noted_since_stays_the_last_contact() -> None:
    lead = ContactFactory(lead_status="qualified")
    lead.change_status("contacted", by="dewi")
    note = lead.notes.create(text="Called.", kind="call", author="dewi")

    bulk.undo_moves(Contact.objects.all(), by="dewi")

    lead.refresh_from_db()
    assert (lead.lead_status, lead.last_contact_at) == ("qualified", note.created_at)


@pytest.mark.parametrize("since", ["10 minutes", "another's move", "undone", "by somebody else"])
def test_only_ones_own_last_move_is_undone_and_only_for_ten_minutes(since: str) -> None:
    lead, leads = ContactFactory(), Contact.objects.all()
    lead.change_status("qualified", by="dewi")
    if since == "another's move":
        lead.change_status("contacted", by="ani")
    elif since == "undone":
        bulk.undo_moves(leads, by="dewi")
    later = timedelta(minutes=10 if since == "10 minutes" else 1)
    lead.refresh_from_db()
    stands = lead.lead_status

    with time_machine.travel(timezone.now() + later, tick=False):
        undone = bulk.undo_moves(leads, by="ani" if since == "by somebody else" else "dewi")

    lead.refresh_from_db()
    assert (undone, lead.lead_status) == (0, stands)
