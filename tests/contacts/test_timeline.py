"""The timeline of a lead, and the numbers of all: what the manager bot reads."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import AuthorKind, ChatMessage, Contact
from sarah.models import SarahState, StateUpdate
from tests.bot import PHONE, Bot
from tests.callers import Caller, visit_all
from tests.factories import ANY_MOVE, ContactFactory, SyncFailureFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

STATS = "/api/v1/leads/stats/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KINDS = ["note", "status", "message", "chat", "follow_up", "edit", "failure", "assignment"]


@pytest.fixture
def caller() -> Caller:
    return Caller("leads:read")


def timeline(lead: Contact) -> str:
    return f"/api/v1/leads/{lead.pk}/timeline/"


def live_through(lead: Contact, times: int = 1) -> None:
    """One entry of each kind, all at the same moment, as often."""
    state = SarahState.objects.filter(contact=lead).first() or SarahState.objects.create(
        contact_phone=lead.phone, workspace=lead.workspace, contact=lead
    )
    for number in range(times):
        lead.notes.create(text=f"Note {number}", author="ani", created_at=NOON)
        lead.status_changes.create(from_status="new", to="qualified", by="ani", at=NOON)
        StateUpdate.objects.create(state=state, outcome="synced", body="{}", received_at=NOON)
        ChatMessage.objects.create(
            workspace=lead.workspace, contact_phone=lead.phone, wamid=f"w{lead.pk}.{number}",
            author="lead", type="text", text="Halo", sent_at=NOON,
        )  # fmt: skip
        lead.follow_ups.create(
            text="Call.", due_at=NOON, created_by="ani", created_at=NOON,
            outcome="done", closed_at=NOON, closed_by="ani",
        )  # fmt: skip
        lead.assignments.create(to_name="ani", by="ani", actor_kind="person", at=NOON)
        lead.edits.create(field="goals", old="", new="Grow", by="ani", at=NOON)
        SyncFailureFactory(
            state=state, created_at=NOON, resolved_at=timezone.now(), resolution="healed"
        )


@pytest.mark.django_db(transaction=True)
def test_a_timeline_tells_who_did_what_newest_first(bot: Bot, caller: Caller) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(state="handoff", lead_score=80)
    lead.notes.create(text="Called her.", kind="call", author="ani")

    note, *by_sarah = caller.read(timeline(lead))["results"]

    assert (note["kind"], note["text"], note["details"]) == (
        "note",
        "Called her.",
        {"kind": "call"},
    )
    assert (note["author"], note["author_kind"]) == ("ani", "person")
    message, status = sorted(by_sarah, key=lambda entry: entry["kind"])
    assert message["details"]["changes"]["lead_score"] == [0, 80]
    assert (message["details"]["outcome"], message["author"]) == ("synced", "sarah-bot")
    assert (status["details"]["to"], status["author_kind"]) == ("contacted", "bot")


def test_pages_visit_every_entry_once_also_where_all_happened_at_once(caller: Caller) -> None:
    lead, other = ContactFactory(), ContactFactory()
    live_through(lead, times=5)
    live_through(other)

    rows = visit_all(caller, f"{timeline(lead)}?page_size=3")

    seen = [(row["kind"], row["id"]) for row in rows]
    assert len(seen) == len({*seen}) == 5 * len(KINDS)
    assert {kind for kind, _ in seen} == {*KINDS}


def test_a_cursor_of_another_lead_is_refused(caller: Caller) -> None:
    lead, other = ContactFactory(), ContactFactory()
    live_through(lead)
    cursor = caller.read(timeline(lead), page_size=1)["next"].partition("cursor=")[2]

    for sent in (cursor, "nonsense"):
        assert caller.get(f"{timeline(other)}?cursor={sent}").status_code == 400


def test_a_long_timeline_takes_one_query_for_each_kind(caller: Caller) -> None:
    lead = ContactFactory()
    live_through(lead, times=10)

    with CaptureQueriesContext(connection) as statements:
        caller.read(timeline(lead), page_size=200)

    assert len(statements) == 2 + 2 + len(KINDS)  # key, lead, former addresses, conversations


def test_a_bound_key_reads_no_timeline_of_another_workspace() -> None:
    lead = ContactFactory(workspace=WorkspaceFactory(slug="two"))
    bound = Caller("leads:read", workspace=WorkspaceFactory())

    assert bound.get(timeline(lead)).status_code == 404


# Numbers


@time_machine.travel("2026-11-19T03:00:00Z", tick=False)  # a Thursday, 10:00 in Jakarta
def test_new_leads_are_counted_by_the_calendar_of_the_server(caller: Caller) -> None:
    for added in (
        *("2026-11-18T17:00:00Z", "2026-11-18T16:59:00Z"),  # midnight in Jakarta, and before
        *("2026-11-16T00:00:00Z", "2026-11-10T00:00:00Z"),  # this week's Monday, last week
        *("2026-11-01T00:00:00Z", "2026-10-05T00:00:00Z", "2026-09-30T00:00:00Z"),
    ):
        ContactFactory(created_at=added)

    assert caller.read(STATS)["new"] == {
        "today": {"count": 1, "before": 1},
        "week": {"count": 3, "before": 1},
        "month": {"count": 5, "before": 1},
    }


@time_machine.travel("2026-11-19T03:00:00Z", tick=False)
def test_a_workspace_counts_by_its_own_calendar(caller: Caller) -> None:
    papua = WorkspaceFactory(slug="papua", time_zone="Asia/Jayapura")
    ContactFactory(workspace=papua, created_at="2026-11-18T15:30:00Z")  # half past midnight there

    assert caller.read(STATS)["new"]["today"]["count"] == 0
    assert caller.read(STATS, workspace="papua")["new"]["today"]["count"] == 1


def test_leads_are_counted_by_where_they_stand_and_why_they_were_archived(caller: Caller) -> None:
    sarah = {"status_changed_at": timezone.now(), "status_changed_by": "sarah-bot"}
    ContactFactory(lead_status="converted", lead_score=100, lead_temperature="warm", **sarah)
    ContactFactory(lead_status="converted", **sarah)
    ContactFactory().change_status("converted", by="ani", why=ANY_MOVE)
    for _twice in range(2):
        ContactFactory().change_status("archived", by="ani", why=ANY_MOVE)
    ContactFactory(lead_status="archived")
    came_back = ContactFactory()
    for status in ("archived", "new"):
        came_back.change_status(status, by="ani", why=ANY_MOVE)

    told = caller.read(STATS)

    assert (told["total"], told["average_score"]) == (7, 14.3)
    assert told["by_status"] == {
        "new": 1, "qualified": 0, "contacted": 0, "converted": 3, "archived": 3,
    }  # fmt: skip
    ends = ("converted", "closed_by_sarah", "closed_cold")
    assert [told["by_standing"][end] for end in ends] == [1, 1, 1]
    assert told["by_temperature"] == {"hot": 0, "warm": 1, "lukewarm": 0, "cold": 6}
    assert {why: count for why, count in told["archived_because"].items() if count} == {
        "no_answer": 2,
    }


@time_machine.travel("2026-11-19T03:00:00Z", tick=False)
def test_numbers_tell_who_converted_and_who_answered_in_time(caller: Caller) -> None:
    clock = {"handed_over_at": timezone.now() - timedelta(hours=2), "handed_over_as": "hot"}
    answer_by = {"answer_by": timezone.now() - timedelta(hours=1)}
    for minutes in (10, 90):
        answered_at = clock["handed_over_at"] + timedelta(minutes=minutes)
        ContactFactory(**clock, **answer_by, answered_at=answered_at, answered_by="ani")
    ContactFactory(**clock, **answer_by)
    won, undone, by_sarah = ContactFactory.create_batch(3)
    for lead in (won, undone):
        lead.change_status("converted", by="ani", why=ANY_MOVE)
    undone.change_status("archived", by="ani", why=ANY_MOVE)
    by_sarah.change_status("converted", by="sarah-bot", kind=AuthorKind.BOT)

    told = caller.read(STATS)

    assert told["converted_by_person"] == {"ani": 1}
    assert told["answered"] == {
        "in_time": 1, "late": 2, "share_in_time": 33, "median_minutes": 50.0,
        "by_person": {"ani": 2},
    }  # fmt: skip


def test_numbers_are_those_of_one_workspace_if_the_key_or_the_caller_names_it(
    caller: Caller,
) -> None:
    here, there = WorkspaceFactory(), WorkspaceFactory(slug="two")
    ContactFactory.create_batch(2, workspace=here)
    ContactFactory(workspace=there).change_status("archived", by="ani", why=ANY_MOVE)
    bound = Caller("leads:read", workspace=here)

    assert caller.read(STATS)["total"] == 3
    assert caller.read(STATS, workspace="two")["archived_because"]["no_answer"] == 1
    assert bound.read(STATS)["total"] == 2
    assert sum(bound.read(STATS)["archived_because"].values()) == 0
    assert bound.get(STATS, {"workspace": "two"}).status_code == 403
    assert caller.get(STATS, {"workspace": "nowhere"}).status_code == 400


def test_numbers_take_as_many_statements_for_many_leads_as_for_none(caller: Caller) -> None:
    ContactFactory.create_batch(20, created_at=timezone.now() - timedelta(days=3))

    with CaptureQueriesContext(connection) as statements:
        caller.read(STATS)

    assert len(statements) == 6
