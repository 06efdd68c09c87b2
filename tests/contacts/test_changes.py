"""`/api/v1/leads/changes/`: a program that keeps a copy of the leads hears of everything."""

import random
from collections.abc import Iterator
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
import time_machine
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from contacts import bulk
from contacts.merging import merge_by_hand, undo
from contacts.models import DEPARTURES_KEPT_FOR, Contact, Departure
from monitoring.pruning import prune
from tests.bot import Bot
from tests.callers import Caller
from tests.factories import ANY_MOVE, ContactFactory, WorkspaceFactory
from tests.faults import postgresql
from tests.threads import at_once

CHANGES = "/api/v1/leads/changes/"
WRITERS, LEADS_EACH = 8, 6

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller() -> Caller:
    return Caller("leads:read")


def begin(caller: Caller) -> str:
    """A cursor behind everything that is there."""
    return str(caller.read(CHANGES, page_size=200)["next"])


def heard(caller: Caller, since: str) -> list[tuple[str, int]]:
    return [(one["kind"], one["id"]) for one in caller.read(CHANGES, since=since)["results"]]


def later(**after: float) -> Any:
    """Some time later, so that nothing of before comes again."""
    return time_machine.travel(timezone.now() + timedelta(**after))


def test_without_a_cursor_everything_that_is_there_is_told(caller: Caller) -> None:
    lead = ContactFactory(name="Budi")

    told = caller.read(CHANGES)

    [created, updated] = told["results"]
    assert (created["kind"], updated["kind"], told["more"]) == ("created", "updated", False)
    assert (created["id"], created["lead"]["name"], created["details"]) == (lead.pk, "Budi", {})


def test_each_kind_of_change_is_told(caller: Caller) -> None:
    since = begin(caller)
    lead, other, gone = ContactFactory.create_batch(3)
    lead.change_status("qualified", by="dewi")
    bulk.change_status(Contact.objects.filter(pk=lead.pk), "contacted", by="dewi")
    merge_by_hand(lead.pk, other.pk, by="dewi", chosen={})
    pk = gone.pk
    gone.delete()

    told = caller.read(CHANGES, since=since)["results"]

    kinds = [one["kind"] for one in told if one["id"] == lead.pk]
    assert kinds == ["created", "status", "status", "updated"]
    moves = [one["details"] for one in told if one["kind"] == "status"]
    assert [(move["from_status"], move["to"], move["by"]) for move in moves] == [
        ("new", "qualified", "dewi"),
        ("qualified", "contacted", "dewi"),
    ]
    [merged] = [one for one in told if one["kind"] == "merged"]
    assert (merged["id"], merged["details"], merged["lead"]) == (other.pk, {"into": lead.pk}, None)
    assert [one["id"] for one in told if one["kind"] == "deleted"] == [pk]
    assert all(one["lead"]["lead_status"] == "contacted" for one in told if one["id"] == lead.pk)


@pytest.mark.django_db(transaction=True)
def test_what_sarah_learns_is_told(bot: Bot, caller: Caller) -> None:
    lead = ContactFactory()
    since = begin(caller)

    bot.post(lead.phone, extracted_data={"goals": "grow"}, state="qualifying")

    assert {("updated", lead.pk), ("status", lead.pk)} <= {*heard(caller, since)}


def writes() -> dict[str, Any]:
    """What writes to leads without saving one."""
    leads = Contact.objects.all()
    return {
        "a note of a call": lambda: leads.reached_out(by="dewi", at=timezone.now()),
        "an undone move": lambda: bulk.undo_moves(leads, by="dewi"),
        "other working hours": lambda: WorkspaceFactory(slug="default").save(),
        "a bulk move": lambda: bulk.change_status(leads, "contacted", by="dewi"),
    }


@pytest.mark.parametrize("write", writes())
def test_writes_of_many_leads_are_told(caller: Caller, write: str) -> None:
    with later(minutes=-1):
        lead = ContactFactory()
        lead.change_status("qualified", by="dewi")
        long_ago = timezone.now() - timedelta(days=1)
        clock = {"handed_over_at": long_ago, "handed_over_as": "hot", "answer_by": timezone.now()}
        Contact.objects.filter(pk=lead.pk).update(**clock)
    since = timezone.now().isoformat()

    writes()[write]()

    assert ("updated", lead.pk) in heard(caller, since)


def test_a_lead_that_is_back_after_a_merge_is_told(caller: Caller) -> None:
    one, other = ContactFactory.create_batch(2)
    merge = merge_by_hand(one.pk, other.pk, by="dewi", chosen={})
    since = begin(caller)

    undo(merge.pk, by="dewi")

    assert {("updated", one.pk), ("updated", other.pk)} <= {*heard(caller, since)}
    assert heard(caller, since)[-1][0] == "updated"


def test_after_a_while_nothing_comes_again(caller: Caller) -> None:
    ContactFactory.create_batch(2)
    caller.read(CHANGES)

    Contact.objects.update()
    _backdate(seconds=11)

    assert heard(caller, begin(caller)) == []


def _backdate(**by: float) -> None:
    ago = timezone.now() - timedelta(**by)
    QuerySet(Contact).update(created_at=ago, updated_at=ago)


def test_pages_lead_through_all_changes_of_the_same_moment(caller: Caller) -> None:
    leads = ContactFactory.create_batch(5)
    _backdate(minutes=1)
    Contact.objects.update()
    found, since = [], timezone.now() - timedelta(minutes=2)
    cursor, more = since.isoformat(), True
    while more:
        page = caller.read(CHANGES, since=cursor, page_size=3)
        found += [(one["kind"], one["id"]) for one in page["results"]]
        cursor, more = page["next"], page["more"]

    assert sorted(found) == sorted((k, lead.pk) for lead in leads for k in ("created", "updated"))


def test_a_bound_key_hears_of_its_workspace_only(caller: Caller) -> None:
    kopi = WorkspaceFactory(slug="kopi")
    bound, since = Caller("leads:read", workspace=kopi), begin(caller)
    for workspace in (kopi, WorkspaceFactory(slug="teh")):
        lead, gone, other = ContactFactory.create_batch(3, workspace=workspace)
        lead.change_status("archived", by="dewi", why=ANY_MOVE)
        merge_by_hand(lead.pk, other.pk, by="dewi", chosen={})
        gone.delete()
        if workspace == kopi:
            ours = {lead.pk, other.pk, *Departure.objects.values_list("lead_id", flat=True)}

    told = bound.read(CHANGES, since=since)["results"]

    assert {one["id"] for one in told} == ours
    assert {one["kind"] for one in told} == {"created", "status", "updated", "merged", "deleted"}
    assert bound.get(CHANGES, {"workspace": "teh"}).status_code == 403
    assert {one["id"] for one in caller.read(CHANGES, workspace="kopi")["results"]} == ours


@pytest.mark.parametrize("since", ["soon", "2026-13-01", "abc:def", "2020-01-01T00:00:00Z"])
def test_an_unusable_cursor_says_what_to_send(caller: Caller, since: str) -> None:
    answer = caller.get(CHANGES, {"since": since})

    assert (answer.status_code, [*answer.json()["fields"]]) == (400, ["since"])


def test_a_key_without_the_scope_is_refused() -> None:
    assert Caller("failures:read").get(CHANGES).status_code == 403


def test_what_is_gone_is_forgotten_when_no_cursor_can_ask_for_it() -> None:
    ContactFactory().delete()

    with later(seconds=DEPARTURES_KEPT_FOR.total_seconds() + 1):
        assert prune()["leads that are gone"] == 1


@postgresql
@pytest.mark.django_db(transaction=True)
def test_what_a_slow_transaction_wrote_is_told_after_what_was_faster(caller: Caller) -> None:
    lead, other = ContactFactory.create_batch(2)
    written, read = Event(), Event()

    def write_slowly() -> None:
        with transaction.atomic():
            slow = Contact.objects.filter(pk=lead.pk)
            slow.update(goals="slow")
            late = timezone.now() - timedelta(seconds=9)  # by a clock that is behind
            QuerySet(Contact).filter(pk=lead.pk).update(updated_at=late)
            written.set()
            assert read.wait(timeout=120)

    def read_meanwhile() -> str:
        assert written.wait(timeout=120)
        Contact.objects.filter(pk=other.pk).update(goals="fast")
        cursor = begin(caller)
        read.set()
        return cursor

    _none, cursor = at_once([write_slowly, read_meanwhile])

    told = caller.read(CHANGES, since=cursor)["results"]
    assert "slow" not in [one["lead"] for one in told]
    assert ("updated", lead.pk) in [(one["kind"], one["id"]) for one in told]


@postgresql
@pytest.mark.django_db(transaction=True)
def test_of_eight_writers_at_once_nothing_is_missed(caller: Caller) -> None:
    """Each has leads of its own; a reader keeps a copy meanwhile, and has all of it in the end."""
    leads = ContactFactory.create_batch(WRITERS * LEADS_EACH)
    copy: dict[int, str] = {}
    done = [Event() for _ in range(WRITERS)]

    def write(number: int) -> None:
        chance, own = random.Random(number), leads[number::WRITERS]
        try:
            for step in range(30):
                lead = chance.choice(own)
                with transaction.atomic():
                    Contact.objects.filter(pk=lead.pk).update(name=f"{number}.{step}")
                    _sleep(chance.random() / 50)
            own[0].delete()
        finally:
            done[number].set()

    def follow() -> None:
        cursor = ""
        for page in _pages(caller, cursor, done):
            for one in page:
                if one["kind"] == "deleted":
                    copy.pop(one["id"], None)
                elif one["lead"]:
                    copy[one["id"]] = one["lead"]["name"]

    at_once([*[lambda n=n: write(n) for n in range(WRITERS)], follow])  # type: ignore[misc]

    assert copy == dict(Contact.objects.values_list("pk", "name"))
    assert len(copy) == WRITERS * (LEADS_EACH - 1)


def _sleep(seconds: float) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(%s)", [seconds])


def _pages(caller: Caller, cursor: str, done: list[Event]) -> Iterator[list[dict[str, Any]]]:
    """All pages until the writers are done and everything is read."""
    while True:
        is_last = all(event.is_set() for event in done)
        page = caller.read(CHANGES, since=cursor, page_size=20)
        cursor = page["next"]
        yield page["results"]
        if is_last and not page["more"]:
            return
