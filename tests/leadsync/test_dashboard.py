"""The home page: what each role wants to know first, in numbers that are true and cheap."""

import html
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.cache import cache
from django.db.models import F
from django.test import RequestFactory
from django.urls import resolve, reverse
from django.utils import timezone
from django.utils.html import strip_tags

from contacts.models import AuthorKind, Contact, FollowUp, Workspace
from leadsync.bots import issue_key
from leadsync.dashboard import scope
from leadsync.dashboard.charts import new_leads
from leadsync.dashboard.numbers import Number
from leadsync.models import ApiKey
from monitoring.kinds import Kind
from monitoring.models import Heartbeat, SyncFailure
from sarah.models import SarahState
from tests.factories import (
    ANY_MOVE,
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    WorkspaceFactory,
    fail_sync,
)
from tests.staff import Staff, queries_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

JAKARTA = ZoneInfo("Asia/Jakarta")
SARAH = {"by": "sarah-bot", "kind": AuthorKind.BOT}


def hand_over(hours: int = 1, **fields: Any) -> Contact:
    """A hot lead that Sarah handed over so many hours ago."""
    lead = ContactFactory(lead_temperature="hot", lead_score=85, **fields)
    lead.change({"lead_status": "contacted"}, **SARAH)
    then = timezone.now() - timedelta(hours=hours)
    clock = {"handed_over_at": then, "answer_by": then + timedelta(minutes=15)}
    Contact.objects.filter(pk=lead.pk).update(**clock, handed_over_as="hot")
    return lead


def some_of_everything() -> None:
    now = timezone.now()
    for days, temperature in ((0, "hot"), (3, "cold"), (9, "warm"), (400, "hot")):
        ContactFactory(lead_temperature=temperature, created_at=now - timedelta(days=days))
    hand_over()
    lead = ContactFactory(lead_score=90)
    SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace, lead_score=90)
    SarahStateFactory.create_batch(2)
    fail_sync(SarahStateFactory(contact_phone=ContactFactory().phone))
    SyncFailureFactory(kind=Kind.SYNC_ERROR)
    SyncFailureFactory(kind=Kind.WORKSPACE_NOT_FOUND, workspace_ref="soon")


def board_of(staff: Staff, **query: str) -> dict[str, Any]:
    cache.clear()
    return staff.client.get("/admin/", query).context["board"]


# Roles


def test_each_role_sees_what_it_can_use_and_nothing_else() -> None:
    some_of_everything()
    sales, operators, root = Staff("Sales"), Staff("Operators"), Staff(is_superuser=True)

    assert {"calls", "due", "week", "funnel", "strangers"} <= board_of(sales).keys()
    assert not {"light", "parts", "causes", "by_person", "checklist"} & board_of(sales).keys()
    assert board_of(sales)["views"] == []
    assert {"light", "parts", "causes", "messages"} <= board_of(operators).keys()
    assert "calls" not in board_of(operators)
    assert {"light", "calls", "by_person", "by_source"} <= board_of(root).keys()
    nobody = board_of(Staff())
    assert not {"calls", "light", "parts", "strangers", "week"} & nobody.keys()
    assert "You have no permissions yet" in Staff().sees("index")
    assert board_of(sales, view="operation")["view"] == "calls"


@pytest.mark.both_databases
def test_a_person_is_told_of_their_own_workspaces_alone() -> None:
    mine, other = WorkspaceFactory(slug="mine"), WorkspaceFactory(slug="other", members=[])
    for home in (mine, other):
        hand_over(workspace=home)
        SarahStateFactory(workspace=home)
    dewi = Staff("Sales", workspaces=[mine])

    board = board_of(dewi)

    assert [call.lead.workspace for call in board["calls"]] == [mine]
    assert [number.count for number in board["todo"]] == [1, 1, 1, 1]
    assert [change.now.count for change in board["week"]][:3] == [1, 0, 1]
    assert [line.count for line in board["strangers"]] == [1]
    assert board_of(dewi, workspace=str(other.pk))["scope"].workspace is None


# Sales


def test_the_next_five_to_call_come_with_a_reason_and_a_button() -> None:
    leads = [hand_over(hours) for hours in range(1, 8)]
    staff = Staff("Sales")

    board = board_of(staff)
    page = staff.sees("index")

    assert len(board["calls"]) == 5
    assert board["calls_total"].count == 7
    assert all("nobody has answered in time" in call.why for call in board["calls"])
    first = board["calls"][0].lead
    assert first in leads
    assert reverse("admin:contacts_contact_open_chat", args=[first.pk]) in page
    assert f'href="tel:{first.phone}"' in page


def test_ones_own_leads_are_called_first() -> None:
    staff = Staff("Sales")
    hand_over(9)
    mine = hand_over(1, assigned_to=staff.user)

    board = board_of(staff)

    assert [call.lead for call in board["calls"]] == [mine]
    assert board["calls_are_mine"]


def test_what_is_due_today_and_who_is_nobodys_yet() -> None:
    staff = Staff("Sales")
    with time_machine.travel(datetime(2026, 11, 23, 10, 0, tzinfo=JAKARTA), tick=False):
        for hours, whose in ((-30, staff.user), (4, staff.user), (20, staff.user), (4, None)):
            due_at = timezone.now() + timedelta(hours=hours)
            lead = ContactFactory(assigned_to=staff.user)
            FollowUp.objects.plan(lead, text=f"{hours}", due_at=due_at, whose=whose, by="ani")
        free = ContactFactory()

        board = board_of(staff)

    assert [(step.text, step.is_late) for step in board["due"]][:2] == [("-30", True), ("4", False)]
    assert "20" not in [step.text for step in board["due"]]
    assert [one["lead"] for one in board["fresh"]] == [free]


def test_this_week_stands_beside_the_one_before() -> None:
    now = timezone.now()
    for days in (1, 2, 6, 8, 10, 15):
        ContactFactory(created_at=now - timedelta(days=days))
    won = ContactFactory(created_at=now - timedelta(days=100))
    won.change_status("converted", by="ani", why=ANY_MOVE)

    week = {str(change.label): change for change in board_of(Staff("Sales"))["week"]}

    new, won, answered = week["New leads"], week["Won"], week["Answered in time"]
    assert (new.now.count, new.before.count, new.direction) == (3, 2, "up")
    assert (won.now.count, won.before.count) == (1, 0)
    assert (answered.now.share, answered.direction) == (None, "")


CELL = re.compile(r'<td[^>]*>(.*?)</td>|class="ls-figure">(.*?)<span class="ls-aside"', re.DOTALL)
LINK = re.compile(r'<a [^>]*?href="([^"]+)"[^>]*>(.*?)</a>', re.DOTALL)
TAG = re.compile(r"<[^>]*>")
NUMBER = re.compile(r"(?:All )?([0-9]+)\b")


def numbers_on(page: str) -> Iterator[tuple[int, str]]:
    """Every number that a link of the home page begins or ends with, and where it leads; and those
    that should lead somewhere and do not."""
    board = page[page.index('id="home"') : page.index("</main>")]
    for cell in CELL.findall(board):
        text = TAG.sub(" ", "".join(cell)).split()
        assert "<a" in "".join(cell) or text[0] == "0", f"{text} leads nowhere"
    for url, inner in LINK.findall(board):
        text = " ".join(TAG.sub(" ", inner).split())
        found = NUMBER.match(text) or re.search(r" ([0-9]+)$", text)
        if found and "?" in url and not url.startswith("?"):
            yield int(found[1]), html.unescape(url)


def rows_at(url: str, staff: Staff) -> int:
    """How many rows the list there finds, for this person; cheaper than its page."""
    request = RequestFactory().get(url)
    request.user = staff.user
    pages: Any = resolve(request.path).func.model_admin  # type: ignore[attr-defined]
    return int(pages.get_changelist_instance(request).result_count)


def a_small_business() -> None:
    """Leads of two sources, two people, three weeks; handed over, answered in time and late, won;
    conversations and messages of all sorts, in two workspaces."""
    kopi, dewi, now = WorkspaceFactory(slug="kopi"), UserFactory(username="dewi"), timezone.now()
    some_of_everything()
    for days, source, owner in ((1, "ads", dewi), (5, "", None), (12, "ads", dewi), (25, "", dewi)):
        at = now - timedelta(days=days)
        who = {"source": source, "assigned_to": owner, "created_at": at}
        hand_over(24 * days, workspace=kopi, **who)
        hand_over(1, **who).change_status("converted", by="dewi", why=ANY_MOVE)
        late = hand_over(24 * days, **who)
        Contact.objects.filter(pk=late.pk).update(answered_at=now, last_contact_at=now)
        won = hand_over(24 * days, **who)
        clock = {"answered_at": F("handed_over_at"), "last_contact_at": F("handed_over_at")}
        Contact.objects.filter(pk=won.pk).update(**clock)
        MessageFactory(received_at=at, state__workspace=kopi)
    SarahStateFactory(workspace=None, workspace_ref="")
    SarahStateFactory(workspace=kopi)
    given_up = SarahStateFactory(contact_phone=ContactFactory().phone)
    fail_sync(given_up)
    SarahState.objects.filter(pk=given_up.pk).give_up(by="budi")


@pytest.mark.parametrize(
    ("role", "view", "least"), [("Sales", "", 30), ("", "calls", 70), ("Operators", "", 10)]
)
@pytest.mark.both_databases
def test_each_number_opens_the_list_of_just_as_many_rows(role: str, view: str, least: int) -> None:
    a_small_business()
    staff = Staff(role, is_superuser=not role)
    kopi = str(Workspace.objects.get(slug="kopi").pk)
    followed: set[tuple[int, str]] = set()

    for query in ({}, {"days": "7", "workspace": kopi}):
        cache.clear()
        page = staff.client.get("/admin/", {**query, "view": view})
        followed |= set(numbers_on(page.content.decode()))

    for number, url in followed:
        assert rows_at(url, staff) == number, url
    assert len(followed) >= least


def test_every_role_chooses_period_and_workspace() -> None:
    WorkspaceFactory(slug="kopi")
    for staff in (Staff("Sales"), Staff("Operators"), Staff(is_superuser=True)):
        page = staff.sees("index")
        assert 'aria-label="Period"' in page
        assert 'aria-label="Workspace"' in page
    MessageFactory(received_at=timezone.now() - timedelta(days=40))
    charts = {days: board_of(Staff("Operators"), days=days)["messages"] for days in ("30", "90")}
    assert [charts[days]["days"].total for days in ("30", "90")] == [0, 1]


def test_the_day_is_greeted_as_it_is() -> None:
    UserFactory(first_name="Dewi")
    staff = Staff("Sales", first_name="Dewi")
    for hour, greeting in ((7, "Good morning"), (13, "Good afternoon"), (20, "Good evening")):
        with time_machine.travel(datetime(2026, 11, 23, hour, 0, tzinfo=JAKARTA), tick=False):
            assert f"{greeting}, Dewi" in staff.sees("index")


# Results


def test_the_funnel_counts_what_leads_reached_by_their_history() -> None:
    for statuses in ([], ["qualified"], ["contacted"], ["contacted", "converted"], ["converted"]):
        lead = ContactFactory()
        for status in statuses:
            lead.change({"lead_status": status}, **SARAH)
    for statuses in (["contacted", "archived"], ["contacted", "qualified"], ["converted"]):
        lead = ContactFactory()
        for status in statuses:
            lead.change_status(status, by="ani", why=ANY_MOVE)
    lead.notes.create(text="Again.", kind="call", author="ani")
    former = ContactFactory(lead_status="contacted").status_changes
    former.create(from_status="new", to="contacted", by="ani")  # of a former release
    ContactFactory().notes.create(text="Called.", kind="call", author="ani")

    funnel = board_of(Staff("Sales"))["funnel"]

    assert [(str(step.label), step.number.count, step.percent) for step in funnel] == [
        ("Added", 10, 100),
        ("Qualified", 9, 90),
        ("Handed over", 7, 70),
        ("Contacted by a person", 5, 50),
        ("Converted by a person", 1, 10),
    ]


@pytest.mark.both_databases
def test_an_owner_sees_results_by_week_by_source_and_by_person() -> None:
    staff = Staff(is_superuser=True)
    dewi = UserFactory(username="dewi")
    now = timezone.now()
    for source, owner, days in (("ads", dewi, 1), ("ads", None, 1), ("web", dewi, 12)):
        lead = ContactFactory(
            source=source, assigned_to=owner, created_at=now - timedelta(days=days)
        )
    lead.change_status("converted", by="dewi", why=ANY_MOVE)
    late = hand_over(5, assigned_to=dewi, source="ads")
    Contact.objects.filter(pk=late.pk).update(answered_at=timezone.now(), answered_by="dewi")

    board = board_of(staff)

    lines = {line.name: (reached_by(line), line.in_time.share) for line in board["by_person"]}
    assert lines == {"dewi": ([3, 2, 1, 1], 0), "Nobody": ([1, 0, 0, 0], None)}
    by_source = [(line.name, reached_by(line)[0]) for line in board["by_source"]]
    assert by_source == [("ads", 3), ("web", 1)]
    assert sum(reached_by(line)[0] for line in board["by_week"]) == 4
    assert board["answered"].startswith("Of those handed over, 0 % were answered in time")
    assert sum(reached_by(line)[0] for line in board_of(staff, days="7")["by_source"]) == 3


def reached_by(line: Any) -> list[int]:
    return [number.count for number in line.reached]


def test_days_begin_at_midnight_where_the_shop_is() -> None:
    with time_machine.travel(datetime(2026, 11, 23, 0, 30, tzinfo=JAKARTA), tick=False):
        for minutes in (10, 20, 40):  # 00:20, 00:10, and 23:50 of the day before
            ContactFactory(created_at=timezone.now() - timedelta(minutes=minutes))
        chart = board_of(Staff(is_superuser=True))["chart"]

    assert '"23 Nov"]' in chart.data
    assert "1, 2]" in chart.data
    assert chart.summary == "3 in 30 days, most on 23 Nov (2)"


def test_a_chart_without_leads_has_no_total() -> None:
    assert new_leads(Counter()).total == 0


@pytest.mark.both_databases
def test_switches_keep_what_the_others_say() -> None:
    WorkspaceFactory(slug="kopi")
    home = Workspace.objects.get(slug="default")
    ContactFactory(workspace=home)
    staff = Staff(is_superuser=True)

    board = board_of(staff, days="90", workspace=str(home.pk))

    assert (board["scope"].days, board["scope"].workspace) == (90, home)
    assert all("days=90" in choice["url"] for choice in board["workspaces"])
    assert all(f"workspace={home.pk}" in choice["url"] for choice in board["periods"])
    assert all(f"workspace__id__exact={home.pk}" in number.url for number in board["todo"])
    assert board_of(staff, days="6", workspace="x")["scope"].days == 30


# Operation


def parts_of(staff: Staff) -> dict[str, tuple[str, str]]:
    board = board_of(staff, view="operation")
    return {part.name: (part.colour, strip_tags(part.sentence)) for part in board["parts"]}


def links_of(staff: Staff, name: str) -> list[str]:
    """Where what a part of the machinery says leads."""
    board = board_of(staff, view="operation")
    (said,) = (part.sentence for part in board["parts"] if part.name == name)
    return re.findall(r'href="([^"]+)"', html.unescape(said))


def test_one_light_says_in_words_how_all_is_doing() -> None:
    staff = Staff("Operators")
    assert said_by_light(staff) == ("bad", "No message has come yet; no worker runs")
    assert "No worker has been seen for 5 minutes" in staff.sees("index")
    assert "No worker has been seen" not in Staff("Sales").sees("index")

    Heartbeat.objects.beat("a worker")
    MessageFactory(state__contact_phone=ContactFactory().phone)
    fine = "Messages arrive, the last just now; the worker lives"
    assert said_by_light(staff) == ("good", f"{fine}; everything is synced")
    SarahStateFactory.create_batch(2)  # no leads yet: news, and nothing that is wrong
    assert said_by_light(staff) == ("good", f"{fine}; 2 people are no leads yet")
    failing = SarahStateFactory(contact_phone=ContactFactory().phone)
    fail_sync(failing, due=timedelta(hours=1))
    assert said_by_light(staff) == (
        "fair",
        f"{fine}; 1 is not synced; 2 people are no leads yet",
    )
    SarahState.objects.all().give_up(by="budi")
    assert said_by_light(staff) == ("good", f"{fine}; 3 were given up by a person")


def said_by_light(staff: Staff) -> tuple[str, str]:
    light = board_of(staff)["light"]
    numbers = (f"{number.shown} {number.label}" for number in light.numbers)
    return light.colour, "; ".join([light.sentence, *numbers])


def test_each_part_of_the_machinery_has_a_row() -> None:
    staff = Staff("Operators")
    assert parts_of(staff)["Bot keys"] == ("fair", "No bot has a key yet.")
    assert parts_of(staff)["Worker"][0] == "bad"
    assert parts_of(staff)["Backup"][0] == "fair"

    Heartbeat.objects.beat("a worker")
    issue_key("sarah-bot", role="sarah", workspace=WorkspaceFactory())
    key = ApiKey.objects.get()
    MessageFactory(key=key)
    assert parts_of(staff)["Bot keys"] == ("good", "1 key, 1 message in 24 hours.")
    assert parts_of(staff)["Worker"] == ("good", "Seen just now.")
    (keys, messages) = links_of(staff, "Bot keys")
    assert list(staff.client.get(keys).context["cl"].result_list) == [key]
    assert staff.client.get(messages).context["cl"].result_count == 1
    MessageFactory(key=key, outcome="sync_error")
    assert parts_of(staff)["Bot keys"] == ("bad", "50 % of what sarah-bot said in 24 hours failed.")


@pytest.mark.both_databases
def test_the_causes_that_hit_most_people_come_with_the_button_that_ends_them() -> None:
    for number in range(3):
        SarahStateFactory(
            workspace=None, workspace_ref="soon", contact_phone=f"+628120000000{number}"
        )
    state = SarahStateFactory(contact_phone=ContactFactory().phone)
    SyncFailureFactory(kind=Kind.SYNC_ERROR, state=state)
    staff = Staff("Operators")

    causes = board_of(staff)["causes"]

    assert [cause.button.label for cause in causes] == ["Create this workspace", "Retry"]
    assert "3 people" in causes[0].sentence
    home = WorkspaceFactory(slug="kopi")
    assert board_of(staff, workspace=str(home.pk))["causes"] == []
    elsewhere = SarahStateFactory(
        workspace=home, contact_phone=ContactFactory(workspace=home).phone
    )
    SyncFailureFactory(kind=Kind.SYNC_ERROR, state=elsewhere, workspace_ref="kopi")
    assert len(board_of(staff, workspace=str(home.pk))["causes"]) == 1
    SyncFailure.objects.filter(kind=Kind.SYNC_ERROR).delete()
    assert len(board_of(staff)["causes"]) == 1


def test_who_is_no_lead_yet_is_not_said_to_be_dealt_with() -> None:
    SarahStateFactory()

    page = Staff("Operators").sees("index")

    assert "Nothing but the people above, who are no leads yet." in page
    assert "Everything Sarah said has been dealt with." not in page


def test_messages_are_charted_by_hour_and_by_day_with_their_outcomes() -> None:
    with time_machine.travel(datetime(2026, 11, 23, 0, 30, tzinfo=JAKARTA), tick=False):
        for hours, outcome in ((0, "synced"), (0, "sync_error"), (1, "synced"), (49, "excluded")):
            MessageFactory(
                outcome=outcome,
                received_at=timezone.now() - timedelta(hours=hours),
                duration_ms=7,
            )
        charts = board_of(Staff("Operators"))["messages"]

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
    assert charts["latency"] == "In 24 hours half took 7 ms until COMMIT, 95 % at most 7 ms."


# A new installation


def test_a_new_installation_opens_on_what_it_still_needs() -> None:
    staff = Staff(is_superuser=True)

    def done() -> list[bool]:
        return [step.is_done for step in board_of(staff).get("checklist", [])]

    assert done() == [False] * 5
    for step in board_of(staff)["checklist"]:
        assert staff.client.get(step.url).status_code == 200, step.title
    ContactFactory()
    UserFactory()
    assert done() == [False, False, False, True, True]
    assert "Set up LeadSync" not in Staff("Sales").sees("index")

    staff.client.post(reverse("checklist-dismiss"))
    assert done() == []
    assert "Set up LeadSync" in Staff("Operators").sees("index")


def test_an_installation_of_long_ago_needs_no_checklist() -> None:
    staff = Staff(is_superuser=True, date_joined=timezone.now() - timedelta(days=60))

    assert "checklist" not in board_of(staff)


# Costs


@pytest.mark.parametrize(("view", "most"), [("calls", 53), ("operation", 72)])
def test_the_page_takes_the_same_statements_however_much_there_is(view: str, most: int) -> None:
    staff = Staff(is_superuser=True)
    url = f"/admin/?view={view}"
    for _ in range(4):
        some_of_everything()
    board_of(staff)
    few = queries_of(staff.client, url)
    for _ in range(5):
        some_of_everything()

    assert queries_of(staff.client, url) == few
    assert few <= most
    assert len(staff.client.get(url).content) < 150_000


def test_many_leads_are_counted_once_in_a_while_for_all_who_see_the_same(monkeypatch) -> None:
    monkeypatch.setattr(scope, "CAP", 3)
    ContactFactory.create_batch(4)
    staff, colleague = Staff("Sales"), Staff("Sales")
    first = board_of(staff)["week"][0].now.count
    Contact.objects.all().delete()
    ContactFactory.create_batch(5)

    remembered = colleague.client.get("/admin/").context["board"]["week"][0].now.count

    assert (first, remembered) == (4, 4)


def test_a_count_over_the_limit_is_shown_as_more() -> None:
    assert Number(label="Leads", count=10_001, url="").shown == "10,000+"
