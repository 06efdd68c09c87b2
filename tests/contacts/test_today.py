"""Today: whom to call first, and why."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from contacts.models import Contact, FollowUp, Workspace
from contacts.priority import priority_of
from contacts.today import whom_to_call
from tests.callers import Caller
from tests.factories import ContactFactory, UserFactory, WorkspaceFactory
from tests.faults import postgresql
from tests.staff import Staff, queries_of

pytestmark = pytest.mark.django_db

TODAY = "/api/v1/leads/today/"
PAGE = "/admin/contacts/contact/?tab=today"
FORMER = "/admin/contacts/contact/today/"
NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
SET_BY_SARAH: dict[str, Any] = {"status_changed_at": NOW - DAY, "status_changed_by": "sarah-bot"}


def lead(name: str, **fields: Any) -> Contact:
    return ContactFactory(name=name, **{"last_activity_at": NOW - HOUR} | fields)


def one_for_each_reason() -> None:
    handed_over = SET_BY_SARAH | {"lead_status": "contacted"}
    late = {"handed_over_at": NOW - 2 * HOUR, "answer_by": NOW - HOUR}
    lead("overdue", lead_score=90, **handed_over, **late)
    step = lead("step", lead_score=10, last_contact_at=NOW)
    FollowUp.objects.plan(step, text="Send the offer", due_at=NOW - HOUR, by="dewi")
    lead("hot", lead_score=80, **handed_over)
    archived = SET_BY_SARAH | {"lead_status": "archived"}
    lead("back", lead_score=50, re_engaged_at=NOW - HOUR, **archived)
    lead("quiet", lead_score=20, lead_status="qualified", last_activity_at=NOW - 8 * DAY)


def none_of_these() -> None:
    lead("new")
    lead("in time", answer_by=NOW + HOUR, handed_over_at=NOW)
    later = lead("later")
    FollowUp.objects.plan(later, text="Call", due_at=NOW + HOUR, by="dewi")
    lead("cold", lead_status="contacted", **SET_BY_SARAH)
    lead("contacted", lead_score=90, lead_status="contacted", last_contact_at=NOW, **SET_BY_SARAH)
    lead("archived", lead_status="archived", **SET_BY_SARAH)
    lead("heard of", lead_status="qualified", last_activity_at=NOW - 6 * DAY)


@time_machine.travel(NOW, tick=False)
def test_who_is_to_be_called_is_listed_with_the_reason_and_in_order() -> None:
    one_for_each_reason()
    none_of_these()

    told = Caller("leads:read").read(TODAY)["results"]

    assert [(one["name"], one["reason"], one["why"]) for one in told] == [
        ("overdue", "overdue", "Handed over 2\xa0hours ago, and nobody has answered in time."),
        ("hot", "handed_over", "Hot, handed over, and not contacted yet."),
        ("quiet", "quiet", "Qualified, and quiet for 1\xa0week."),
        ("back", "re_engaged", "Was archived, and has written again."),
        ("step", "follow_up", "Next step due: Send the offer"),
    ]
    priorities = [one["priority"] for one in told]
    assert priorities == sorted(priorities, reverse=True)
    for one in told:
        assert one["priority"] == pytest.approx(sum(one["parts"].values()), abs=1)


@time_machine.travel(NOW, tick=False)
def test_a_person_sees_what_is_hers_and_a_key_what_is_its_workspaces() -> None:
    dewi, caller = Staff("Sales", username="dewi"), Caller("leads:read")
    back = SET_BY_SARAH | {"lead_status": "archived", "re_engaged_at": NOW}
    mine = lead("mine", assigned_to=dewi.user, **back)
    theirs = lead("theirs", workspace=WorkspaceFactory(slug="other"), **back)
    FollowUp.objects.plan(theirs, text="Call", due_at=NOW - HOUR, by="ani", whose=UserFactory())

    names = {one["name"] for one in caller.read(TODAY, assigned_to="dewi")["results"]}
    bound = Caller("leads:read", name="bound", workspace=mine.workspace)

    assert names == {"mine"}
    assert [one["name"] for one in bound.read(TODAY)["results"]] == ["mine"]
    assert "theirs" not in dewi.client.get(f"{PAGE}&whose=me").content.decode()
    assert "theirs" in dewi.client.get(PAGE).content.decode()
    assert caller.get(TODAY, {"assigned_to": "nobody"}).status_code == 400


@time_machine.travel(NOW, tick=False)
def test_a_workspace_says_for_how_long_a_qualified_lead_may_be_quiet() -> None:
    patient = WorkspaceFactory(slug="patient", quiet_days=30)
    hasty = WorkspaceFactory(slug="hasty", quiet_days=2)
    for days, workspace in ((8, patient), (31, patient), (3, hasty), (1, hasty)):
        silent: Any = {"last_activity_at": NOW - days * DAY, "lead_status": "qualified"}
        lead(f"{workspace.slug} {days}", workspace=workspace, **silent)

    told = Caller("leads:read").read(TODAY)["results"]

    assert {one["name"] for one in told} == {"patient 31", "hasty 3"}


def test_the_page_takes_the_same_statements_however_much_there_is() -> None:
    dewi = Staff("Sales")
    with time_machine.travel(NOW, tick=False):
        one_for_each_reason()
        few = queries_of(dewi.client, PAGE)
        for _more in range(5):
            one_for_each_reason()
        assert queries_of(dewi.client, PAGE) == few


def test_only_who_may_see_leads_sees_whom_to_call() -> None:
    assert Staff().client.get(PAGE).status_code == 403
    assert Staff().client.get(FORMER).status_code == 403
    assert Staff("Sales").client.get(FORMER).url == PAGE


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({}, (0, 30, 0, 0)),
        ({"score": 100}, (40, 30, 0, 0)),
        ({"last_contact_at": NOW}, (0, 0, 0, 0)),
        ({"last_contact_at": NOW - 7 * DAY}, (0, 15, 0, 0)),
        ({"last_contact_at": NOW - 99 * DAY}, (0, 30, 0, 0)),
        ({"last_activity_at": NOW - 12 * HOUR}, (0, 30, 10, 0)),
        ({"last_activity_at": NOW - 99 * DAY}, (0, 30, 20, 0)),
        ({"status": "qualified", "last_activity_at": NOW - 1.5 * DAY}, (0, 30, 10, 0)),
        ({"last_activity_at": NOW + DAY}, (0, 30, 0, 0)),
        ({"urgency_level": "Sedang"}, (0, 30, 0, 5)),
        ({"urgency_level": "Tinggi"}, (0, 30, 0, 10)),
        ({"texts": "Butuh SEGERA"}, (0, 30, 0, 10)),
        ({"texts": "takut competitor"}, (0, 30, 0, 10)),
    ],
)
def test_a_priority_is_the_sum_of_its_parts(fields: dict[str, Any], parts: tuple) -> None:
    usual = {
        "score": 0, "status": "new", "last_contact_at": None, "last_activity_at": NOW,
        "urgency_level": "", "texts": "", "patience": Workspace().patience, "now": NOW,
    }  # fmt: skip

    found = priority_of(**usual | fields)

    assert (found.score, found.contact, found.decay, found.urgency) == parts
    assert found.total == sum(parts)


@postgresql
@time_machine.travel(NOW, tick=False)
def test_each_candidate_is_found_by_an_index() -> None:
    statuses = ("new", "qualified", "contacted", "converted", "archived")
    leads = [
        ContactFactory.build(
            workspace=WorkspaceFactory(),
            phone=f"+62812{number:08d}",
            lead_status=statuses[number % 5],
            last_activity_at=NOW - number * HOUR,
            answer_by=NOW - HOUR if number % 50 == 0 else None,
            handed_over_at=NOW - 2 * HOUR if number % 50 == 0 else None,
        )
        for number in range(5000)
    ]
    Contact.objects.bulk_create(leads)
    FollowUp.objects.bulk_create(
        FollowUp(contact=lead, text="Call", due_at=NOW + number * HOUR, created_by="dewi")
        for number, lead in enumerate(leads)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact, contacts_followup")

    with CaptureQueriesContext(connection) as captured:
        whom_to_call(now=NOW)

    asked = [query["sql"] for query in captured if "LIMIT" in query["sql"]]
    plans = [str(plan_of(sql)) for sql in asked]
    assert len(plans) == 5
    assert not [
        plan for plan in plans if re.search("Seq Scan on contacts_(contact|followup)", plan)
    ]


def plan_of(sql: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {sql}")
        return [line for (line,) in cursor.fetchall()]
