"""The list of leads as a desk: tabs, reasons, what is out of date, saved views, live rows."""

import gzip
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.cache import cache

from contacts.models import Contact, FollowUp, Note, SavedView
from sarah.models import SarahState
from tests.contacts.pages import LIST, page_of
from tests.factories import (
    ContactFactory,
    SarahStateFactory,
    UserFactory,
    WorkspaceFactory,
    fail_sync,
)
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 27, 3, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BY_SARAH: dict[str, Any] = {"status_changed_at": NOW - 2 * HOUR, "status_changed_by": "sarah-bot"}
HANDED_OVER = BY_SARAH | {"lead_status": "contacted"}


@pytest.fixture
def dewi() -> Staff:
    return Staff("Sales", username="dewi")


def the_list(staff: Staff, query: str = "") -> Any:
    cache.clear()
    return staff.client.get(f"{LIST}?{query}").context["cl"]


def names(changes: Any) -> list[str]:
    return [row.lead.name for row in changes.rows]


def desk_of(staff: Staff) -> None:
    """Leads for each tab."""
    ContactFactory(name="late", handed_over_at=NOW - HOUR, answer_by=NOW - HOUR / 2, **HANDED_OVER)
    ContactFactory(name="mine", assigned_to=staff.user, lead_status="qualified")
    ContactFactory(name="hot", lead_score=90, lead_status="qualified")
    step = ContactFactory(name="step", lead_status="qualified")
    FollowUp.objects.plan(step, text="Send the offer", due_at=NOW + DAY, by="dewi")
    ContactFactory(name="new")
    ContactFactory(name="back", re_engaged_at=NOW - HOUR, **BY_SARAH | {"lead_status": "archived"})
    Contact.objects.update(last_activity_at=NOW - HOUR)


TABS = {
    "today": ["late", "back"],
    "mine": ["mine"],
    "hot": ["hot"],
    "follow-up": ["step"],
    "new": ["new"],
    "re-engaged": ["back"],
}


@time_machine.travel(NOW, tick=False)
def test_each_tab_has_its_leads_and_says_how_many(dewi: Staff) -> None:
    desk_of(dewi)

    found = {tab: names(the_list(dewi, f"tab={tab}")) for tab in TABS}
    counted = {tab["name"]: tab["count"] for tab in the_list(dewi).tab_links}

    assert found == TABS
    assert counted == {tab: str(len(some)) for tab, some in TABS.items()} | {"all": ""}


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (HANDED_OVER, "Handed over 2 hours ago"),
        (
            HANDED_OVER | {"handed_over_at": NOW - 2 * HOUR, "answer_by": NOW - HOUR},
            "Waiting for you for 2 hours",
        ),
        (
            HANDED_OVER | {"handed_over_at": NOW - 2 * HOUR, "answer_by": NOW + HOUR},
            "Answer within 1 hour: handed over",
        ),
        (HANDED_OVER | {"last_contact_at": NOW}, None),
        (
            BY_SARAH | {"lead_status": "archived", "re_engaged_at": NOW - HOUR},
            "Wrote again 1 hour ago",
        ),
        ({"lead_status": "qualified", "last_activity_at": NOW - 9 * DAY}, "Quiet for 1 week"),
        ({}, None),
    ],
)
@time_machine.travel(NOW, tick=False)
def test_a_lead_says_why_it_wants_attention_now(
    dewi: Staff, fields: dict[str, Any], why: str | None
) -> None:
    ContactFactory(**fields)

    (row,) = the_list(dewi).rows

    told = row.why.text.replace("\xa0", " ") if row.why else None
    assert told == why


def test_a_lead_that_is_out_of_date_is_marked_and_counts_as_hot_as_sarah_says(dewi: Staff) -> None:
    lead = ContactFactory(name="new and cold")
    fail_sync(SarahStateFactory(contact_phone=lead.phone, lead_score=85, lead_temperature="hot"))
    Contact.objects.update(lead_score=0, lead_temperature="cold")
    never_linked = ContactFactory(name="never linked")
    state = SarahStateFactory(contact_phone=never_linked.phone, lead_score=75)
    fail_sync(state, contact=None)
    Contact.objects.update(lead_score=0, lead_temperature="cold")
    ContactFactory(name="cold")

    assert set(names(the_list(dewi, "tab=hot"))) == {"new and cold", "never linked"}
    assert set(names(the_list(dewi, "hot=yes"))) == {"new and cold", "never linked"}
    page = dewi.client.get(LIST).content.decode()
    assert page.count("It is not synced.") == 2 * 2  # for the eye and for the ear
    assert "Sarah says 85, Hot" in page


def test_a_search_also_finds_people_who_are_no_leads_yet_and_adds_them(dewi: Staff) -> None:
    known = {"extracted_data": {"name": "Siti Rahma"}, "contact_phone": "+6281234567890"}
    state = SarahStateFactory(**known)
    SarahStateFactory(extracted_data={"name": "Somebody else"})

    for typed in ("0812-3456", "+62 812 3456 7890", "siti"):
        assert the_list(dewi, f"q={typed.replace('+', '%2B')}").strangers == [state]
    added = dewi.client.post(f"{LIST}people/{state.pk}/")

    lead = Contact.objects.get()
    assert (lead.name, added.url) == ("Siti Rahma", page_of(lead))
    assert the_list(dewi, "q=siti").strangers == []


def test_active_filters_are_chips_that_can_be_taken_away(dewi: Staff) -> None:
    query = "q=kopi&lead_status__exact=new&lead_status__exact=qualified&assigned=me&hot=yes"

    chips = {chip.text: chip.link for chip in the_list(dewi, query).chips}

    assert list(chips) == [
        "Search: kopi",
        "Hot leads: Hot, and still to be won",
        "Status: New, Qualified",
        "Owner: Me",
    ]
    assert "status" not in chips["Status: New, Qualified"]
    assert "assigned=me" in chips["Status: New, Qualified"]


def test_a_list_is_sorted_by_what_no_index_knows_only_if_it_is_short(
    dewi: Staff, monkeypatch
) -> None:
    monkeypatch.setattr("contacts.admin.desk.found.CAP", 1)
    ContactFactory(business_type="b")
    ContactFactory(business_type="a")

    page = dewi.client.get(f"{LIST}?o=business")
    assert "Filter them first." in page.content.decode()

    Contact.objects.filter(business_type="b").delete()
    assert not the_list(dewi, "o=business").is_unsortable


def test_a_person_chooses_columns_and_keeps_the_list_as_a_view_to_share(dewi: Staff) -> None:
    here, there = WorkspaceFactory(slug="here"), WorkspaceFactory(slug="there", members=[])
    rudi, stranger = Staff("Sales"), Staff("Sales", workspaces=[there])
    asked = "?hot=yes&o=-score&cols=score&cols=owner"

    saved = dewi.client.post(
        f"{LIST}views/", {"name": "Hot ones", "query": asked, "shared_in": here.pk}, follow=True
    )

    assert saved.context["cl"].columns == ["name", "score", "owner"]
    assert saved.context["cl"].order == ("score", True)
    view = SavedView.objects.get()
    for colleague, sees in ((rudi, ["Hot ones"]), (stranger, [])):
        assert [one["name"] for one in the_list(colleague).saved_views] == sees
        assert colleague.client.post(f"{LIST}views/{view.pk}/").status_code == 404
    dewi.client.post(f"{LIST}views/{view.pk}/")
    assert not SavedView.objects.exists()


@time_machine.travel(NOW, tick=False)
def test_selected_leads_get_a_note_a_next_step_and_a_person_after_a_preview(dewi: Staff) -> None:
    rudi = UserFactory(username="rudi", first_name="Rudi")
    leads = ContactFactory.create_batch(2)
    FollowUp.objects.plan(leads[0], text="Old", due_at=NOW, by="ani")
    asked = {
        "assign_to": {"person": str(rudi.pk)},
        "write_note": {"text": "Called, likes the demo.", "kind": "call"},
        "plan_follow_up": {"text": "Send the offer", "soon": "tomorrow"},
    }
    for action in asked:
        assert "confirmed" in dewi.runs(action, leads).content.decode()
    assert not Note.objects.exists()

    told = [
        messages_of(dewi.runs(action, leads, confirmed="1", **fields))[0]
        for action, fields in asked.items()
    ]

    assert told == [
        "2 leads are now assigned to Rudi.",
        "2 leads have the note.",
        "A next step is planned for 2 leads.",
    ]
    assert set(Contact.objects.values_list("assigned_to", "last_contact_at")) == {(rudi.pk, NOW)}
    assert set(Note.objects.values_list("author", "kind")) == {("dewi", "call")}
    steps = FollowUp.objects.open().values_list("text", "assigned_to")
    assert set(steps) == {("Send the offer", rudi.pk)}
    assert FollowUp.objects.get(text="Old").outcome == "moved"


def test_all_that_are_found_can_be_chosen_not_only_this_page(dewi: Staff) -> None:
    ContactFactory.create_batch(26)
    fields = {"text": "Hello", "kind": "note", "confirmed": "1", "select_across": "1"}

    page = dewi.client.get(LIST).content.decode()
    dewi.runs("write_note", Contact.objects.all()[:1], **fields)

    assert "All 26 found" in page
    assert Note.objects.count() == 26


def test_leads_that_are_out_of_date_are_synced_again(dewi: Staff) -> None:
    lead = ContactFactory()
    fail_sync(SarahStateFactory(contact_phone=lead.phone, extracted_data={"goals": "Grow"}))
    Contact.objects.update(goals="")

    page = dewi.runs("sync_again", [lead], confirmed="1")

    lead.refresh_from_db()
    assert lead.goals == "Grow"
    assert messages_of(page) == ["1 conversation is in sync now."]
    assert SarahState.objects.get().synced_at


# Live


def live(staff: Staff, version: str = "", query: str = "") -> Any:
    headers = {"X-Live": "1", "If-None-Match": f'"{version}"'}
    return staff.client.get(f"{LIST}?{query}", headers=headers)


def test_an_open_list_is_answered_only_when_it_looks_different(
    dewi: Staff, django_assert_num_queries
) -> None:
    lead = ContactFactory(name="Budi")
    version = the_list(dewi).version

    assert live(dewi, version).status_code == 304
    with django_assert_num_queries(2):  # who asks; what it looks like is remembered for a moment
        assert live(dewi, version).status_code == 304
    cache.clear()
    Contact.objects.update(name="Budi Santoso")
    news = live(dewi, version)

    assert news.status_code == 200
    assert f'id="lead-{lead.pk}"' in news.content.decode()
    assert "<html" not in news.content.decode()
    assert live(dewi, news["ETag"].strip('"')).status_code == 304


def test_nobody_hears_anything_live_without_a_log_in(client, dewi: Staff) -> None:
    for address in (LIST, "/admin/live/", "/admin/palette/?q=a"):
        assert client.get(address, headers={"X-Live": "1"}).status_code == 302
    nobody = Staff()
    assert live(nobody).status_code == 403


def test_a_list_is_small_on_the_wire(dewi: Staff) -> None:
    ContactFactory.create_batch(
        25, business_type="Kedai kopi dan roti", assigned_to=dewi.user, lead_score=80
    )

    page = dewi.client.get(LIST).content

    assert len(gzip.compress(page)) < 20 * 1024
    assert len(re.findall(rb"data-row", page)) == 25


def test_days_of_ones_own_are_a_chip_and_no_period_is_explained_at_its_field() -> None:
    dewi = Staff("Sales")

    right = dewi.list_of(Contact, tab="hot", moved_from="2026-11-02", moved_to="2026-11-08")
    page = dewi.sees("contacts_contact_changelist", moved_from="2026-11-08", moved_to="2026-11-02")

    assert [(chip.text, chip.link) for chip in right.chips] == [
        ("Status changed: 2 Nov 2026 to 8 Nov 2026", "?tab=hot")
    ]
    assert 'name="moved_from" value="2026-11-08" aria-invalid="true"' in page
    assert "The last day is before the first: change one of them." in page
    assert '<details class="ld-panel" name="panel" open>' in page
