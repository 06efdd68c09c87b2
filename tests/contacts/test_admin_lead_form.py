"""Editing facts of a lead while Sarah writes to the lead: each keeps what it wrote."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models.signals import pre_save
from django.test import Client

from contacts.models import HOLDABLE, Contact
from sarah.facts import FACTS
from sarah.rules import COPIED
from tests.bot import PHONE, Bot
from tests.contacts.pages import ADD, edit_page_of, moves, saves, sent_by
from tests.factories import ContactFactory, UserFactory
from tests.faults import postgresql
from tests.staff import Staff

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


@pytest.fixture
def lead() -> Contact:
    return ContactFactory(
        phone=PHONE, name="Budi", goals="First\nSecond", pain_points=["slow", "costly"],
        tags=["vip"], team_size=3, lead_score=40,
    )  # fmt: skip


@pytest.fixture
def sales() -> Client:
    """The browser of Dewi of Sales."""
    return Staff("Sales", username="dewi").client


def history(lead: Contact) -> list[tuple[str, str, str]]:
    """How the lead's status moved, the last move first."""
    return list(lead.status_changes.values_list("from_status", "to", "by"))


def test_what_can_be_held_is_what_sarah_writes() -> None:
    assert {*HOLDABLE} == {fact.field for fact in FACTS} | {*COPIED}


def test_a_form_saved_as_it_was_shown_changes_and_holds_nothing(
    sales: Client, lead: Contact
) -> None:
    before = Contact.objects.values().get()

    answer = saves(sales, edit_page_of(lead))

    assert answer.status_code == 302
    assert Contact.objects.values().get() == before


@pytest.mark.both_databases
def test_saving_keeps_what_the_bot_wrote_since_the_form_was_opened(
    sales: Client, lead: Contact, bot: Bot
) -> None:
    heard = {"business_type": "cafe", "team_size": 9, "goals": "Grow", "pain_points": ["no staff"]}
    told = {"state": "handoff", "lead_score": 85, "lead_temperature": "hot", "language": "en"}
    form = sent_by(sales.get(edit_page_of(lead)))
    bot.post(**told, extracted_data=heard)

    sales.post(edit_page_of(lead), form | {"location": "Bandung"})

    lead.refresh_from_db()
    assert (lead.location, lead.staff_fields) == ("Bandung", ["location"])
    assert (lead.lead_score, lead.lead_temperature, lead.language) == (85, "hot", "en")
    assert {name: getattr(lead, name) for name in heard} == heard
    assert history(lead) == [("new", "contacted", "sarah-bot")]


def test_a_form_shown_again_with_an_error_still_knows_what_it_had_shown(
    sales: Client, lead: Contact, bot: Bot
) -> None:
    form = sent_by(sales.get(edit_page_of(lead)))
    bot.post(lead_score=85, extracted_data={"goals": "Grow"})
    refused = sales.post(edit_page_of(lead), form | {"email": "nonsense", "location": "Bandung"})
    assert refused.context["form"].errors == {"email": ["Enter a valid email address."]}

    sales.post(edit_page_of(lead), sent_by(refused) | {"email": "budi@example.com"})

    lead.refresh_from_db()
    assert (lead.email, lead.location) == ("budi@example.com", "Bandung")
    assert (lead.lead_score, lead.goals, lead.staff_fields) == (85, "Grow", ["location"])


def test_a_held_field_is_sarahs_again_once_it_is_handed_back(
    sales: Client, lead: Contact, bot: Bot
) -> None:
    saves(sales, edit_page_of(lead), goals="Typed", lead_score="50")
    bot.post(lead_score=85, extracted_data={"goals": "Heard"}, message_count=1)
    lead.refresh_from_db()
    assert (lead.goals, lead.lead_score) == ("Typed", 50)
    assert lead.staff_fields == ["goals", "lead_score"]

    sales.post(f"/admin/contacts/contact/{lead.pk}/hand-back/", {"field": "goals"})

    lead.refresh_from_db()
    assert (lead.goals, lead.staff_fields) == ("Heard", ["lead_score"])
    bot.post(lead_score=85, extracted_data={"goals": "Heard again"}, message_count=2)
    lead.refresh_from_db()
    assert (lead.goals, lead.lead_score) == ("Heard again", 50)


def test_what_no_bot_writes_is_never_held(sales: Client, lead: Contact) -> None:
    typed = {"tags": "vip, Jakarta", "email": "b@example.com"}

    saves(sales, edit_page_of(lead), **typed)

    lead.refresh_from_db()
    assert (lead.tags, lead.email) == (["vip", "Jakarta"], "b@example.com")
    assert lead.staff_fields == []


def test_a_status_that_is_set_is_signed(sales: Client, lead: Contact) -> None:
    moves(sales, lead, "qualified")

    moves(sales, lead, "contacted")

    lead.refresh_from_db()
    assert (lead.lead_status, lead.status_changed_by) == ("contacted", "dewi")
    assert history(lead) == [("qualified", "contacted", "dewi"), ("new", "qualified", "dewi")]


@pytest.mark.parametrize("shown", ["", "abc", "-5", "9" * 400, "\x00"])
def test_a_forged_record_of_what_was_shown_does_no_harm(
    sales: Client, lead: Contact, shown: str
) -> None:
    answer = saves(sales, edit_page_of(lead), **{"initial-lead_score": shown})

    lead.refresh_from_db()
    assert (answer.status_code, lead.lead_score, lead.staff_fields) == (302, 40, ["lead_score"])


def test_a_client_that_does_not_say_what_it_had_shown_is_compared_with_the_lead(
    sales: Client,
    lead: Contact,
) -> None:
    form = sent_by(sales.get(edit_page_of(lead)))
    bare = {name: value for name, value in form.items() if not name.startswith("initial-")}

    sales.post(edit_page_of(lead), bare | {"location": "Bandung"})

    lead.refresh_from_db()
    assert (lead.location, lead.staff_fields) == ("Bandung", ["location"])


def test_a_new_lead_holds_what_the_person_filled_in_and_gets_the_rest_from_sarah(
    sales: Client, bot: Bot
) -> None:
    bot.post(state="handoff", lead_score=80, extracted_data={"name": "B", "goals": "Grow"})

    typed = {"phone": "0812-3456-7890", "name": "Budi  Santoso", "lead_status": "qualified"}
    answer = saves(sales, ADD, **typed)

    assert answer.status_code == 302
    lead = Contact.objects.get()
    assert (lead.phone, lead.name, lead.staff_fields) == (PHONE, "Budi Santoso", ["name"])
    assert (lead.lead_score, lead.goals, lead.lead_status) == (80, "Grow", "qualified")
    assert history(lead) == [("new", "qualified", "dewi")]


def test_a_corrected_phone_lets_the_waiting_conversation_reach_the_lead(
    sales: Client, lead: Contact, bot: Bot
) -> None:
    bot.post("0812-0000-1111", extracted_data={"location": "Solo"})

    saves(sales, edit_page_of(lead), phone="62 812 0000 1111")

    lead.refresh_from_db()
    assert (lead.phone, lead.location, lead.staff_fields) == ("+6281200001111", "Solo", [])


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("081O-3456", "letters or signs"),
        ("0812", "too few or too many digits"),
        ("0898 7654 3210", "already has a lead with this phone"),
    ],
)
def test_a_phone_that_will_not_do_is_explained_beside_its_field(
    sales: Client, lead: Contact, typed: str, error: str
) -> None:
    ContactFactory(phone="+6289876543210", name="<b>Ani</b>")

    answer = saves(sales, edit_page_of(lead), phone=typed)

    [message] = answer.context["form"].errors["phone"]
    assert (answer.status_code, error in message, "<b>" in message) == (200, True, False)
    lead.refresh_from_db()
    assert lead.phone == PHONE


def test_what_a_person_pastes_is_cleaned(sales: Client, lead: Contact) -> None:
    saves(
        *(sales, edit_page_of(lead)),
        name="\u202eBudi\x1b[31m \x00 Santoso\n",
        goals="One\r\n\x07Two",
        pain_points=" slow \r\n\r\nslow\r\nno\tstaff",
    )

    lead.refresh_from_db()
    assert (lead.name, lead.goals) == ("Budi Santoso", "One\nTwo")
    assert lead.pain_points == ["slow", "no staff"]


def test_a_lead_of_somebody_who_left_can_still_be_edited(sales: Client, lead: Contact) -> None:
    gone = UserFactory(is_active=False, is_staff=False)
    Contact.objects.update(assigned_to=gone)

    saves(sales, edit_page_of(lead), location="Bandung")

    lead.refresh_from_db()
    assert (lead.location, lead.assigned_to) == ("Bandung", gone)


@postgresql  # SQLite has one writer at a time
def test_a_lead_that_a_bot_adds_at_the_same_moment_is_a_duplicate(
    sales: Client, lead: Contact
) -> None:
    rival = ContactFactory.build(phone="+6289876543210", workspace=lead.workspace)

    def save_rival(**kwargs: object) -> None:
        pre_save.disconnect(save_rival, sender=Contact)
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(lambda: (rival.save(), connection.close())).result()

    form = sent_by(sales.get(ADD)) | {"phone": rival.phone}
    pre_save.connect(save_rival, sender=Contact)

    answer = sales.post(ADD, form)

    [message] = answer.context["adminform"].form.errors["phone"]
    assert "already has a lead with this phone" in message
    assert Contact.objects.filter(phone=rival.phone).count() == 1
