"""Conversations with Sarah in the admin."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from sarah.models import SarahState
from tests.bot import PHONE
from tests.factories import ContactFactory, SarahStateFactory, fail_sync, unseen_lead
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db

LIST = "/admin/sarah/sarahstate/"


def synced_conversation(**fields: object) -> SarahState:
    lead = ContactFactory(**{key: fields.pop(key) for key in ("name", "phone") if key in fields})
    return SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace, **fields)


def test_filters_tell_in_sync_from_out_of_sync() -> None:
    synced, waiting = synced_conversation(), SarahStateFactory()
    staff = Staff("Sales")

    for query, rows in (
        ({"sync": "in"}, [synced]),
        ({"sync": "out"}, [waiting]),
        ({"reason": "contact_not_found"}, [waiting]),
        ({"state__exact": "handoff"}, []),
    ):
        assert list(staff.list_of(SarahState, **query).result_list) == rows, query


def test_a_filter_shows_who_was_active_in_the_last_24_hours() -> None:
    active, quiet = SarahStateFactory.create_batch(2)
    SarahState.objects.filter(pk=quiet.pk).update(updated_at=timezone.now() - timedelta(hours=25))

    assert list(Staff("Sales").list_of(SarahState, active="day").result_list) == [active]


def test_a_conversation_of_an_unknown_workspace_is_found_by_phone_too() -> None:
    wanted = SarahStateFactory(workspace=None, workspace_ref="toko", contact_phone=PHONE)

    assert list(Staff("Sales").list_of(SarahState, q="0812 3456").result_list) == [wanted]


def test_a_page_shows_facts_in_words_and_its_failures() -> None:
    state = SarahStateFactory(
        extracted_data={"team_size": 5, "pain_points": ["slow", "dear"], "favourite": "tea"}
    )

    page = Staff("Sales").sees("sarah_sarahstate_change", state.pk)

    for words in ("Team size", "slow", "dear", "favourite", "tea", "Only here"):
        assert words in page
    assert "Add a lead with this phone" in page
    failure = state.failures.get()
    assert reverse("admin:monitoring_syncfailure_change", args=[failure.pk]) in page


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


def test_a_conversation_is_retried_on_its_own_page() -> None:
    state = SarahStateFactory()
    unseen_lead(state)

    answer = Staff("Sales").confirms("retry_this", state)

    assert answer["HX-Redirect"] == f"{LIST}{state.pk}/change/"
    assert list(SarahState.objects.synced()) == [state]


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


def test_sarah_starts_over_on_the_conversation_s_own_page() -> None:
    state = synced_conversation(state="handoff", message_count=9)

    Staff("Sales").confirms("start_this_over", state)

    state.refresh_from_db()
    assert (state.state, state.message_count) == ("greeting", 0)


def test_without_permission_nothing_happens() -> None:
    state = SarahStateFactory(state="handoff", message_count=9)
    unseen_lead(state)
    staff = Staff()

    assert staff.status_of("sarah_sarahstate_changelist") == 403
    for action in ("retry", "start_over"):
        assert staff.runs(action, [state], confirmed="1").status_code == 403

    state.refresh_from_db()
    assert (state.state, state.synced_at) == ("handoff", None)


def test_one_click_works_on_a_bounded_number_of_rows(monkeypatch) -> None:
    monkeypatch.setattr("leadsync.admin.actions.AT_ONCE", 2)
    states = SarahStateFactory.create_batch(3)
    for state in states:
        unseen_lead(state)

    answer = Staff("Sales").runs("retry", states)

    assert messages_of(answer) == ["Nothing was done: select at most 2 at once."]
    assert not SarahState.objects.synced().exists()
