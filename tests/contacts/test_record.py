"""The page of a lead is a record: where it stands, what is wrong, what is known, what happened."""

import gzip
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from contacts.models import UNTIL_HANDED_BACK, Contact, MergeSuggestion
from tests.bot import PHONE, Bot
from tests.contacts.pages import LIST, edit_page_of, edits, moves, notes, opens, page_of, sent_by
from tests.contacts.test_timeline import live_through
from tests.factories import (
    ANY_MOVE,
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    UserFactory,
    fail_sync,
)
from tests.staff import Staff, messages_of, queries_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def dewi() -> Staff:
    return Staff("Sales", username="dewi")


def text_of(staff: Staff, lead: Contact, **query: str) -> str:
    """What the page says, without its tags."""
    page = staff.sees("contacts_contact_change", lead.pk, **query).split('id="content"')[1]
    text = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))
    return re.sub(r" (?=[.,:])", "", text)


def press(staff: Staff, lead: Contact, button: str, *, on: Any = None) -> Any:
    """Press this button: send what its form sends, on the page as it is or was."""
    page = (on or staff.client.get(page_of(lead))).content.decode()
    elsewhere = rf'formaction="([^"]+)" name="(\w+)" value="(\w*)"[^>]*>{button}<'
    for action, name, value in re.findall(elsewhere, page):
        return staff.client.post(unescape(action), {name: value}, follow=True)
    forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
    form = next(form for form in forms if f">{button}</button>" in form)
    names = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
    names += re.findall(rf'<button class="ls-button" name="(\w+)" value="(\w*)">{button}<', form)
    [action] = re.findall(r'action="([^"]+)"', form)
    return staff.client.post(action, dict(names), follow=True)


# The head


@pytest.mark.django_db(transaction=True)
def test_a_lead_that_sarah_handed_over_waits_for_its_owner_until_a_person_was_in_touch(
    dewi: Staff, bot: Bot
) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(lead_score=40)
    bot.post(state="handoff", lead_score=85, extracted_data={"goals": "Grow"}, message_count=1)
    assert "Waiting for somebody for a moment: it is nobody's lead yet." in text_of(dewi, lead)
    assert "Up from 40, just now. Sarah heard: goals." in text_of(dewi, lead)

    edits(dewi.client, lead, assigned_to=str(dewi.user.pk))
    assert "Waiting for you for a moment." in text_of(dewi, lead)

    press(dewi, lead, "I have been in touch")

    assert "In touch with us, the last time a moment ago." in text_of(dewi, lead)


def test_a_move_can_be_taken_back_beside_the_sentence_that_tells_it(dewi: Staff) -> None:
    lead = ContactFactory(name="Budi")
    lead.change_status("archived", by="dewi", why=ANY_MOVE)
    page = text_of(dewi, lead)
    assert "Archived by dewi a moment ago: No answer · As the test says." in page
    assert can_undo(dewi, lead)
    assert not can_undo(Staff("Sales"), lead)
    with time_machine.travel(timezone.now() + timedelta(minutes=10)):
        assert not can_undo(dewi, lead)

    dewi.client.post(f"{LIST}{lead.pk}/undo/")

    lead.refresh_from_db()
    assert lead.lead_status == "new"
    assert not can_undo(dewi, lead)


def can_undo(staff: Staff, lead: Contact) -> bool:
    return 'form="undo-form"' in staff.sees("contacts_contact_change", lead.pk)


# What is wrong


def out_of_sync(lead: Contact) -> None:
    facts = {"business_type": "frozen food"}
    state = SarahStateFactory(contact_phone=lead.phone, lead_score=10)
    fail_sync(state, lead_score=85, lead_temperature="hot", extracted_data=facts)


def partly_unused(lead: Contact) -> None:
    state = SarahStateFactory(contact_phone=lead.phone)
    MessageFactory(state=state, warnings={"lead_score": "is not a number"})


def may_be_another(lead: Contact) -> None:
    MergeSuggestion.objects.suggest(lead, ContactFactory(name="Bu Dewi"))


def is_now(**columns: Any) -> Callable[[Contact], None]:
    def write(lead: Contact) -> None:
        Contact.objects.filter(pk=lead.pk).update(**columns)

    return write


NOW = timezone.now()
WRONG: dict[str, tuple[Callable[[Contact], None], str]] = {
    "Sarah knows more than this lead: frozen food, 85, Hot. Sync error.": (out_of_sync, "Sync now"),
    "Should have been answered by": (
        is_now(
            lead_status="contacted",
            status_changed_at=NOW,
            handed_over_at=NOW - timedelta(hours=1),
            answer_by=NOW - timedelta(minutes=1),
        ),
        "I have been in touch",
    ),
    "Was archived, and has written again": (
        is_now(lead_status="archived", status_changed_at=NOW, re_engaged_at=NOW),
        "Reopen",
    ),
    "Sarah is silent until it is handed back: ani took over, because: Asks for a discount.": (
        is_now(
            paused_until=UNTIL_HANDED_BACK, paused_by="ani", pause_reason="Asks for a discount."
        ),
        "Hand back to Sarah",
    ),
    "Opted out: nothing that Sarah learns is copied": (is_now(opted_out=True), "Copy it again"),
}


@pytest.mark.parametrize("told", WRONG)
def test_what_is_wrong_is_said_at_once_with_the_button_that_mends_it(
    dewi: Staff, told: str
) -> None:
    go_wrong, button = WRONG[told]
    lead = ContactFactory(phone=PHONE)
    assert "ls-banner" not in dewi.sees("contacts_contact_change", lead.pk)
    go_wrong(lead)
    assert told in text_of(dewi, lead)

    press(dewi, lead, button)

    assert "ls-banner" not in dewi.sees("contacts_contact_change", lead.pk)


@pytest.mark.parametrize(
    ("go_wrong", "told", "link"),
    [
        (partly_unused, "could not be used: Score: is not a number.", "/admin/sarah/stateupdate/"),
        (may_be_another, "WhatsApp knows it as the same person as Bu Dewi.", "/merge/"),
        (is_now(marketing_stopped_at=NOW), "Wants no marketing since", ""),
    ],
)
def test_what_no_button_mends_leads_to_where_it_is_mended(
    dewi: Staff, go_wrong: Callable[[Contact], None], told: str, link: str
) -> None:
    lead = ContactFactory(phone=PHONE)
    go_wrong(lead)

    assert told in text_of(dewi, lead)
    assert link in dewi.sees("contacts_contact_change", lead.pk)


@pytest.mark.django_db(transaction=True)
def test_a_lead_that_is_in_sync_has_no_banner(dewi: Staff, bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(state="handoff", lead_score=85, extracted_data={"goals": "Grow"})
    lead.refresh_from_db()
    lead.edit({"goals": "Typed"}, by="dewi")

    assert "ls-banner" not in dewi.sees("contacts_contact_change", lead.pk)


# Facts


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_each_fact_says_who_said_so_and_what_sarah_says_otherwise(dewi: Staff, bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE, source="import", location="Solo")
    bot.post(extracted_data={"business_type": "toko", "goals": "Grow", "budget": "5 juta"})
    saved = edits(dewi.client, lead, business_type="mebel rotan")
    assert saved.url.endswith("#fact-business_type")
    bot.post(extracted_data={"business_type": "toko sepatu"}, message_count=1)

    page = text_of(dewi, lead)

    assert "Business type mebel rotan lock dewi · just now Sarah says “toko sepatu”" in page
    assert "Goals Grow Sarah · just now" in page
    assert "Budget 5 juta Sarah · just now" in page
    assert "Location Solo import" in page
    assert "dewi changed business type just now toko → mebel rotan" in page

    dewi.client.post(f"{LIST}{lead.pk}/hand-back/", {"field": "business_type"})

    assert "Business type toko sepatu Sarah · just now" in text_of(dewi, lead)
    lead.refresh_from_db()
    assert lead.staff_fields == []


def test_saving_a_fact_says_that_sarah_leaves_it_alone_from_now_on(dewi: Staff) -> None:
    lead = ContactFactory()
    form = opens(dewi.client, lead, "goals")

    page = dewi.client.post(edit_page_of(lead), form | {"goals": "Grow"}, follow=True)

    assert messages_of(page)[0] == "Saved."
    assert messages_of(page)[1].startswith("Sarah leaves this alone from now on: Goals.")


def test_with_htmx_a_fact_opens_in_its_place(dewi: Staff) -> None:
    page = f"{edit_page_of(ContactFactory())}?field=goals"

    part = dewi.client.get(page, headers={"HX-Request": "true"}).content.decode()

    assert "<form" in part
    assert "<html" not in part


# Two at once


@pytest.mark.parametrize("name", ["goals", "email", "pain_points", "lead_temperature"])
@pytest.mark.both_databases
def test_the_second_of_two_people_is_told_what_the_first_wrote_and_can_choose(
    dewi: Staff, name: str
) -> None:
    lead = ContactFactory(goals="Old", email="old@example.com", pain_points=["slow"])
    values = {"email": ("a@example.com", "b@example.com"), "lead_temperature": ("warm", "hot")}
    first, second = values.get(name, ("First", "Second"))
    form = opens(dewi.client, lead, name)
    edits(Staff("Sales", username="rudi").client, lead, **{name: first})

    refused = dewi.client.post(edit_page_of(lead), form | {name: second})

    [error] = refused.context["form"].errors[name]
    assert error.startswith("rudi has written “")
    lead.refresh_from_db()
    assert getattr(lead, name) in (first, [first])

    again = {key: value for key, value in sent_by(refused).items() if key.endswith(name)}
    dewi.client.post(edit_page_of(lead), again)

    lead.refresh_from_db()
    assert getattr(lead, name) in (second, [second])
    assert {edit.by for edit in lead.edits.filter(field=name)} == {"rudi", "dewi"}


@pytest.mark.django_db(transaction=True)
def test_what_sarah_heard_of_the_same_fact_meanwhile_is_told_and_other_facts_do_not_matter(
    dewi: Staff, bot: Bot
) -> None:
    lead = ContactFactory(phone=PHONE)
    form = opens(dewi.client, lead, "goals")
    bot.post(lead_score=85, extracted_data={"location": "Solo"})
    other_fact = dewi.client.post(edit_page_of(lead), form | {"goals": "Typed"})
    assert other_fact.status_code == 302

    form = opens(dewi.client, lead, "location")
    bot.post(extracted_data={"location": "Bandung"}, message_count=1)
    same_fact = dewi.client.post(edit_page_of(lead), form | {"location": "Bogor"})

    [error] = same_fact.context["form"].errors["location"]
    assert error.startswith("Sarah has written “Bandung” here meanwhile.")


@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_two_people_and_sarah_on_one_lead_lose_no_words_and_the_second_is_told(
    dewi: Staff, bot: Bot
) -> None:
    rudi, lead = Staff("Sales", username="rudi"), ContactFactory(phone=PHONE, goals="Old")
    bot.post(extracted_data={"priority": "Price"})
    edits(dewi.client, lead, priority="Quality")
    page, fact = dewi.client.get(page_of(lead)), opens(dewi.client, lead, "goals")

    edits(rudi.client, lead, goals="Rudi's goal", priority="Speed")
    bot.post(extracted_data={"goals": "Sarah's goal", "location": "Solo"}, message_count=1)
    notes(rudi.client, lead, "Rudi's note.", soon="tomorrow", text="Rudi's step")
    moves(rudi.client, lead, "qualified")

    refused = dewi.client.post(edit_page_of(lead), fact | {"goals": "Dewi's goal"})
    assert "rudi has written “Rudi&#x27;s goal” here meanwhile" in refused.content.decode()
    assert messages_of(press(dewi, lead, "Use Sarah's", on=page)) == [
        "rudi has written “Speed” here meanwhile. Press again to use Sarah's."
    ]
    assert messages_of(press(dewi, lead, "Qualified", on=page)) == [
        "Nothing was changed: meanwhile this lead was moved to “Qualified”."
    ]
    assert messages_of(notes(dewi.client, lead, "Dewi's note.", soon="in_3_days")) == [
        "Noted.",
        "The next step is planned. It takes the place of “Rudi's step”.",
    ]

    told = text_of(dewi, lead)
    for words in ("Rudi's goal", "Rudi's note.", "Dewi's note.", "Rudi's step", "Solo", "Speed"):
        assert words in told, words
    lead.refresh_from_db()
    assert (lead.goals, lead.priority, lead.location) == ("Rudi's goal", "Speed", "Solo")
    assert [move.by for move in lead.status_changes.all()] == ["rudi"]


# What happened


def test_a_note_and_the_next_step_are_one_form(dewi: Staff) -> None:
    lead = ContactFactory()

    notes(dewi.client, lead, "Called him.", kind="call", soon="tomorrow", text="Send the offer")

    assert lead.notes.get().kind == "call"
    assert lead.follow_ups.get().text == "Send the offer"
    lead.refresh_from_db()
    assert lead.last_contact_at
    told = text_of(dewi, lead)
    assert "dewi noted a call just now Called him." in told
    assert "dewi planned a next step just now Send the offer" in told


def test_an_empty_note_is_explained(dewi: Staff) -> None:
    page = notes(dewi.client, ContactFactory(), "  ")

    assert messages_of(page) == ["Write a note, or choose a next step."]


def shown(client: Client, url: str) -> list[str]:
    return [entry.kind for entry in client.get(url).context["timeline"].entries]


@pytest.mark.both_databases
def test_the_tabs_tell_sarah_people_and_chat_apart_and_older_pages_show_the_rest(
    dewi: Staff,
) -> None:
    lead = ContactFactory()
    live_through(lead, times=11)
    page = page_of(lead)

    assert {*shown(dewi.client, f"{page}?tab=chat")} == {"theirs"}
    assert {*shown(dewi.client, f"{page}?tab=sarah")} == {"message", "failure"}
    people = {"note", "status", "edit", "follow_up", "assignment"}
    assert {*shown(dewi.client, f"{page}?tab=people")} <= people
    seen, before = 0, ""
    while True:
        timeline = dewi.client.get(f"{page}?before={before}").context["timeline"]
        seen, before = seen + len(timeline.entries), timeline.older
        if not before:
            break
    assert seen == 8 * 11
    assert len(shown(dewi.client, f"{page}?before=forged&tab=nonsense")) == 20


# The list one came from


def test_the_leads_before_and_after_in_the_list_are_a_click_away(dewi: Staff) -> None:
    leads = [
        ContactFactory(lead_score=50, last_activity_at=NOW - timedelta(hours=hours))
        for hours in range(27)
    ]
    ContactFactory(lead_score=10)
    filters = "_changelist_filters=lead_score_from%3D40"

    def neighbours(lead: Contact, page: str = "") -> tuple[str, str]:
        found = dewi.client.get(f"{page_of(lead)}?{filters}{page}").context["neighbours"]
        return found.previous, found.next

    assert neighbours(leads[0]) == ("", f"{page_of(leads[1])}?{filters}")
    assert neighbours(leads[24])[1] == f"{page_of(leads[25])}?{filters}%26p%3D2"
    assert neighbours(leads[25], "%26p%3D2")[0] == f"{page_of(leads[24])}?{filters}"
    assert neighbours(leads[26], "%26p%3D2")[1] == ""
    assert neighbours(leads[3], "%26p%3D2") == ("", "")


@pytest.mark.parametrize("shown", ["", "tab=hot", "tab=hot&o=score", "tab=today", "q=Budi"])
@pytest.mark.both_databases
def test_the_next_lead_is_the_one_that_the_list_shows_next(dewi: Staff, shown: str) -> None:
    hot = {"lead_temperature": "hot", "lead_status": "qualified", "name": "Budi"}
    for hours in range(1, 4):
        long_ago = NOW - timedelta(days=8, hours=hours)
        ContactFactory(lead_score=90 - 3 * hours, last_activity_at=long_ago, **hot)
    listed = dewi.client.get(f"{LIST}?{shown}").context["cl"].rows

    visited = [listed[0].url]
    while following := dewi.client.get(visited[-1]).context["neighbours"].next:
        visited.append(following)

    keys = [url.partition("?")[0] for url in visited]
    assert keys == [row.url.partition("?")[0] for row in listed]
    assert len(keys) == 3


# Who may only look, and what it costs


def test_who_may_only_look_sees_the_record_and_no_way_to_change_it() -> None:
    looker = Staff(username="lia")
    looker.user.user_permissions.add(Permission.objects.get(codename="view_contact"))
    lead = ContactFactory(goals="Grow", opted_out=True)

    page = looker.sees("contacts_contact_change", lead.pk)

    assert "Grow" in page
    assert "Opted out" in page
    assert '<form method="post"' not in page.split('id="content"')[1]


def test_a_long_history_costs_no_more_statements_and_stays_small_on_the_wire(dewi: Staff) -> None:
    lead, owner = ContactFactory(name="Budi"), UserFactory()
    Contact.objects.update(assigned_to=owner)
    live_through(lead)
    url = page_of(lead)
    few = queries_of(dewi.client, url)
    assert few <= 27

    live_through(ContactFactory(), times=3)
    for number in range(30):
        lead.notes.create(text=f"{number} " * 50, author="ani")
        lead.edits.create(field=f"goals{number}", old="a" * 500, new="b" * 500, by="ani")

    assert queries_of(dewi.client, url) == few
    assert len(gzip.compress(dewi.client.get(url).content)) < 24 * 1024


def test_a_lead_that_was_merged_away_is_gone(dewi: Staff) -> None:
    assert dewi.client.get(f"{LIST}999999/change/").status_code == 302
    assert dewi.client.post(f"{LIST}999999/note/").status_code == 404
