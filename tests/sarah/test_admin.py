"""Conversations with Sarah in the admin."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from sarah.models import SarahState
from tests.bot import PHONE
from tests.factories import (
    ContactFactory,
    SarahStateFactory,
    WorkspaceFactory,
    fail_sync,
    unseen_lead,
)
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db


def synced_conversation(**fields: object) -> SarahState:
    lead = ContactFactory(**{key: fields.pop(key) for key in ("name", "phone") if key in fields})
    return SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace, **fields)


def test_filters_tell_what_is_in_sync_active_and_waiting_for_its_workspace() -> None:
    synced, waiting = synced_conversation(), SarahStateFactory()
    nowhere = SarahStateFactory(workspace=None, workspace_ref="toko", contact_phone=PHONE)
    SarahState.objects.filter(pk=synced.pk).update(updated_at=timezone.now() - timedelta(hours=25))
    staff = Staff("Operators")

    for query, rows in (
        ({"sync": "in"}, {synced}),
        ({"sync": "out"}, {waiting, nowhere}),
        ({"reason": "contact_not_found"}, {waiting}),
        ({"state__exact": "handoff"}, set()),
        ({"active": "24h"}, {waiting, nowhere}),
        ({"q": "0812 3456"}, {nowhere}),
    ):
        assert set(staff.list_of(SarahState, **query).result_list) == rows, query


def test_a_page_shows_facts_in_words_and_its_failures() -> None:
    state = SarahStateFactory(
        extracted_data={"team_size": 5, "pain_points": ["slow", "dear"], "favourite": "tea"}
    )

    page = Staff("Sales").sees("sarah_sarahstate_change", state.pk)

    for words in ("Team size", "slow", "dear", "favourite", "tea", "Only here"):
        assert words in page
    assert "somebody who is no lead yet" in page
    failure = state.failures.get()
    assert reverse("admin:monitoring_syncfailure_change", args=[failure.pk]) in page


def test_what_mends_the_sync_stands_beside_its_sentence_and_erasing_in_the_menu() -> None:
    state = SarahStateFactory(workspace=WorkspaceFactory())
    staff = Staff(is_superuser=True)

    page = staff.sees("sarah_sarahstate_change", state.pk)

    banner = re.search(r'(?s)<div class="ls-banner ls-urgent">.*?</div>', page)
    assert banner
    assert "somebody who is no lead yet" in banner[0]
    assert reverse("admin:contacts_contact_add_stranger", args=[state.pk]) in banner[0]
    assert "Retry" in banner[0]
    menu = re.search(r'(?s)<details class="ls-pop ls-menu".*?</details>', page)
    assert menu
    assert page.count("Erase this person") == menu[0].count("Erase this person") == 1


def test_a_page_tells_what_has_reached_the_lead_and_what_people_hold_there() -> None:
    facts = {"business_type": "toko sepatu", "goals": "Grow", "name": "Halo", "budget": "5 juta"}
    lead = ContactFactory(business_type="mebel rotan", staff_fields=["business_type"])
    state = SarahStateFactory(contact_phone=lead.phone, extracted_data=facts)
    staff = Staff("Sales")

    page = staff.sees("sarah_sarahstate_change", state.pk)

    assert "but not what people hold there: business type." in page
    text = re.sub(r"(<[^>]+>|\s)+", " ", page)
    for row in (
        "Business type toko sepatu Held by staff mebel rotan",
        "Goals Grow In the lead",
        "Name Halo Only here",
        "budget 5 juta Only here",
    ):
        assert row in text, row

    SarahState.objects.update(extracted_data=facts | {"goals": "Sell"})
    assert "Not yet in the lead" in staff.sees("sarah_sarahstate_change", state.pk)


def test_a_page_tells_when_a_failed_sync_is_retried() -> None:
    state = synced_conversation()
    fail_sync(state, due=timedelta(minutes=5), sync_attempts=3)

    page = Staff("Sales").sees("sarah_sarahstate_change", state.pk)

    assert f"{timezone.localtime(state.next_sync_at):%H:%M} (failed so far: 3)" in page


def test_a_retry_says_what_came_of_it() -> None:
    mended, still_waiting = SarahStateFactory.create_batch(2)
    unseen_lead(mended)
    staff = Staff("Sales")

    answer = staff.runs("retry", [mended, still_waiting])

    assert messages_of(answer) == [
        "1 conversation is in sync now.",
        "1 conversation still does not sync; its failure says why.",
    ]
    assert mended.failures.get().resolved_by == staff.user.username
    assert list(SarahState.objects.out_of_sync()) == [still_waiting]


def test_starting_over_is_explained_before_it_happens() -> None:
    state = synced_conversation(state="handoff", message_count=9, lead_score=80)
    staff = Staff("Sales")

    question = staff.runs("start_over", [state]).content.decode()
    state.refresh_from_db()
    assert "Sarah greets this lead again" in question
    assert state.message_count == 9

    answer = staff.runs("start_over", [state], confirmed="1")
    assert messages_of(answer) == ["Sarah starts over with 1 lead."]
    state.refresh_from_db()
    assert (state.state, state.message_count, state.lead_score) == ("greeting", 0, 80)
    assert staff.user.username in state.contact.notes.get().text


def test_one_click_works_on_a_bounded_number_of_rows(monkeypatch) -> None:
    monkeypatch.setattr("leadsync.admin.actions.AT_ONCE", 2)
    states = SarahStateFactory.create_batch(3)
    for state in states:
        unseen_lead(state)

    answer = Staff("Sales").runs("retry", states)

    assert messages_of(answer) == ["Nothing was done: select at most 2 at once."]
    assert not SarahState.objects.synced().exists()
