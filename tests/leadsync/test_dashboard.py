"""The page: numbers that are true, lead to their rows, and stay cheap."""

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from contacts.models import AuthorKind, Contact
from leadsync.dashboard import page
from leadsync.dashboard.charts import new_leads
from monitoring.kinds import Kind
from monitoring.models import Heartbeat, SyncFailure
from sarah.models import SarahState
from sarah.resolve import resolve_failures
from tests.factories import (
    ANY_MOVE,
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
)
from tests.staff import Staff, queries_of

pytestmark = pytest.mark.django_db

JAKARTA = ZoneInfo("Asia/Jakarta")


def some_of_everything() -> None:
    now = timezone.now()
    for number, (status, temperature) in enumerate(
        [("new", "hot"), ("new", "cold"), ("qualified", "warm"), ("converted", "hot")]
    ):
        ContactFactory(
            lead_status=status,
            lead_temperature=temperature,
            created_at=now - timedelta(days=3 * number),
        )
    long_ago = now - timedelta(days=400)
    ContactFactory(lead_status="archived", created_at=long_ago)
    lead = ContactFactory(lead_score=90, lead_status="contacted")
    SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace, lead_score=90)
    SarahStateFactory.create_batch(2)
    SarahStateFactory(contact_phone=ContactFactory(opted_out=True, created_at=long_ago).phone)
    quiet = SarahStateFactory()
    SarahState.objects.filter(pk=quiet.pk).update(updated_at=now - timedelta(days=2))
    SyncFailureFactory(kind=Kind.REJECTED_PAYLOAD)
    SyncFailureFactory(kind=Kind.SYNC_ERROR)
    resolve_failures(SyncFailure.objects.filter(kind=Kind.SYNC_ERROR), by="ani")


def board_of(staff: Staff) -> dict[str, Any]:
    return staff.client.get("/admin/").context["board"]


def numbers_of(board: dict[str, Any]) -> list[page.Number]:
    sections = ("headlines", "by_status", "by_temperature", "conversations")
    kinds = board.get("failures", {}).get("kinds", [])
    return [number for section in sections for number in board.get(section, [])] + kinds


def test_the_numbers_are_those_of_the_database() -> None:
    some_of_everything()

    shown = {str(number.label): number.count for number in numbers_of(board_of(Staff("Operators")))}

    assert shown == {
        "New leads today": 2,
        "New leads in 7 days": 4,
        "Hot leads": 2,
        "Overdue": 0,
        "Waiting for a person": 0,
        "New": 3,
        "Qualified": 1,
        "Handed over, waiting for a person": 0,
        "Contacted by a person": 1,
        "Converted by a person": 1,
        "Closed by Sarah": 0,
        "Closed by Sarah, not interested": 0,
        "Archived": 1,
        "Hot": 2,
        "Warm": 1,
        "Lukewarm": 0,
        "Cold": 4,
        "Active conversations": 4,
        "In sync": 1,
        "Out of sync": 3,
        "Excluded": 1,
        "Open failures": 4,
        "Lead not found": 3,
        "Message refused": 1,
    }


def test_each_number_leads_to_just_as_many_rows() -> None:
    some_of_everything()
    staff = Staff("Operators")

    for number in numbers_of(board_of(staff)):
        rows = staff.client.get(number.url).context["cl"].result_count
        assert rows == number.count, (str(number.label), number.url)


def test_a_person_sees_only_the_numbers_they_may_look_into() -> None:
    some_of_everything()
    nobody, sales = board_of(Staff()), board_of(Staff("Sales"))

    assert numbers_of(nobody) == []
    assert "chart" not in nobody
    assert "failures" in sales


def test_failures_are_counted_only_for_those_who_may_see_them() -> None:
    some_of_everything()
    staff = Staff("Sales")
    staff.user.groups.get().permissions.filter(
        codename="view_syncfailure"
    ).first().group_set.clear()

    page = staff.sees("index")

    assert "Open failures" not in page
    assert "Hot leads" in page


def test_days_begin_at_midnight_where_the_shop_is() -> None:
    with time_machine.travel(datetime(2026, 11, 23, 0, 30, tzinfo=JAKARTA), tick=False):
        for minutes in (10, 20, 40):  # 00:20, 00:10, and 23:50 of the day before
            ContactFactory(created_at=timezone.now() - timedelta(minutes=minutes))
        board = board_of(Staff("Sales"))
        chart = board["chart"]

    assert board["headlines"][0].count == 2
    assert '"23 Nov"]' in chart.data
    assert "1, 2]" in chart.data
    assert chart.summary == "3 in 30 days, most on 23 Nov (2)"


def test_the_funnel_counts_what_leads_reached_by_their_history() -> None:
    sarah = {"by": "sarah-bot", "kind": AuthorKind.BOT}
    for statuses in ([], ["qualified"], ["contacted"], ["contacted", "converted"], ["converted"]):
        lead = ContactFactory()
        for status in statuses:
            lead.change({"lead_status": status}, **sarah)
    for statuses in (["contacted", "archived"], ["contacted", "qualified"], ["converted"]):
        lead = ContactFactory()
        for status in statuses:
            lead.change_status(status, by="ani", why=ANY_MOVE)
    lead.notes.create(text="Again.", kind="call", author="ani")
    former = ContactFactory(lead_status="contacted").status_changes
    former.create(from_status="new", to="contacted", by="ani")  # of a former release
    ContactFactory().notes.create(text="Called.", kind="call", author="ani")

    funnel = board_of(Staff("Sales"))["funnel"]

    assert [(str(step.label), step.count, step.percent) for step in funnel] == [
        ("Added", 10, 100),
        ("Qualified", 9, 90),
        ("Handed over", 7, 70),
        ("Contacted by a person", 5, 50),
        ("Converted by a person", 1, 10),
    ]


def test_operators_are_told_what_is_wrong_and_what_to_do_about_it() -> None:
    missing = "No worker has been seen for 5 minutes"

    assert missing in Staff("Operators").sees("index")
    assert missing not in Staff("Sales").sees("index")
    Heartbeat.objects.beat("a worker")
    cache.clear()
    assert "What is wrong with the sync" not in Staff("Operators").sees("index")


def test_an_empty_site_says_what_to_do() -> None:
    page = Staff("Operators").sees("index")

    assert "No leads yet." in page
    assert "None. Everything Sarah said has been dealt with." in page


def test_a_chart_without_leads_has_no_total() -> None:
    assert new_leads(Counter()).total == 0


def test_messages_are_charted_by_hour_and_by_day_with_their_outcomes() -> None:
    with time_machine.travel(datetime(2026, 11, 23, 0, 30, tzinfo=JAKARTA), tick=False):
        for hours, outcome in ((0, "synced"), (0, "sync_error"), (1, "synced"), (49, "excluded")):
            MessageFactory(outcome=outcome, received_at=timezone.now() - timedelta(hours=hours))
        charts = board_of(Staff("Sales"))["messages"]

    hours, days = (json.loads(charts[name].data) for name in ("hours", "days"))
    assert hours["labels"][-2:] == ["23:00", "00:00"]
    assert days["labels"][-3:] == ["21 Nov", "22 Nov", "23 Nov"]
    assert {bar["label"]: bar["data"][-2:] for bar in hours["datasets"]} == {
        "Synced": [1, 1],
        "Waiting for a lead": [0, 0],
        "Failed": [0, 1],
        "Excluded": [0, 0],
    }
    assert [bar["data"][-4:] for bar in days["datasets"]][-1] == [1, 0, 0, 0]
    assert charts["hours"].summary == "3 messages in 24 hours, 66 % synced at once"


def test_the_page_takes_the_same_statements_however_much_there_is() -> None:
    staff = Staff("Operators")
    some_of_everything()
    few = queries_of(staff.client, "/admin/")
    for _ in range(5):
        some_of_everything()

    assert queries_of(staff.client, "/admin/") == few
    assert few <= 38


def test_many_leads_are_counted_once_in_a_while(monkeypatch) -> None:
    monkeypatch.setattr("leadsync.dashboard.page.CAP", 3)
    ContactFactory.create_batch(4)
    staff = Staff("Sales")
    first = board_of(staff)["headlines"][0].count
    Contact.objects.all().delete()
    ContactFactory.create_batch(5)

    assert (first, board_of(staff)["headlines"][0].count) == (4, 4)


def test_a_count_over_the_limit_is_shown_as_more(monkeypatch) -> None:
    number = page.Number(label="Leads", count=10_001, url="")

    assert number.shown == "10,000+"
