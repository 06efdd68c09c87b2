"""A salesperson at work, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Contact
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, UserFactory
from tests.staff import sign_in, whatsapp_opens

pytestmark = pytest.mark.django_db(transaction=True)
HOME_AT_MOST, LEAD_AT_MOST = 2_600, 2_200
"""Pixels of a phone's page."""


@pytest.fixture
def at_work(page: Page, live_server: Any) -> Callable[[str], Page]:
    """Opens a page as somebody of Sales who is logged in."""
    sign_in(page, live_server.url, UserFactory(username="dewi", group="Sales", password="!"))

    def opened(path: str) -> Page:
        page.goto(f"{live_server.url}/admin/{path}")
        return page

    return opened


def test_a_lead_is_found_and_a_fact_corrected_held_and_handed_back(
    at_work: Callable[[str], Page], bot: Bot
) -> None:
    lead = ContactFactory(phone=PHONE, name="Bude")
    ContactFactory(name="Somebody else")
    page = at_work("")
    page.locator("a[href='/admin/contacts/contact/']").first.click()
    page.get_by_placeholder(
        "Name, business type, WhatsApp user name or id, or phone in any spelling"
    ).fill("0812-3456")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Somebody else")).to_have_count(0)
    page.get_by_role("link", name="Bude").click()

    page.locator("#fact-name a").click()
    page.get_by_role("textbox", name="Name", exact=True).fill("Budi Santoso")
    bot.post(state="handoff", lead_score=85, extracted_data={"name": "Bu Tejo", "goals": "Grow"})
    page.locator("#fact-name").get_by_role("button", name="Save").click()
    expect(page.get_by_text("Sarah has written “Bu Tejo” here meanwhile.")).to_be_visible()
    page.get_by_role("button", name="Save").click()

    expect(page.locator("#fact-name")).to_contain_text("Budi Santoso")
    expect(page.locator("#fact-name")).to_contain_text("Sarah says “Bu Tejo”")
    expect(page.locator("#fact-goals")).to_contain_text("Grow")
    expect(page.locator("#timeline")).to_contain_text("Bu Tejo → Budi Santoso")

    page.get_by_role("button", name="Use Sarah's").click()

    expect(page.locator("#fact-name")).to_contain_text("Bu Tejo")
    lead.refresh_from_db()
    assert (lead.name, lead.goals, lead.staff_fields) == ("Bu Tejo", "Grow", [])


def test_a_note_that_is_being_written_is_kept_while_something_else_is_pressed(
    at_work: Callable[[str], Page],
) -> None:
    lead = ContactFactory(name="Budi")
    page = at_work(f"contacts/contact/{lead.pk}/change/")

    page.locator("#note-text").fill("Called him: likes the demo.")
    page.get_by_role("button", name="Assign to me").click()
    expect(page.locator("#note-text")).to_have_value("Called him: likes the demo.")
    page.locator("#timeline").get_by_role("button", name="Save").click()

    expect(page.locator("#timeline")).to_contain_text("Called him: likes the demo.")
    expect(page.locator("#note-text")).to_have_value("")


def test_who_was_logged_out_meanwhile_is_asked_to_log_in_and_not_shown_it_within_a_fact(
    at_work: Callable[[str], Page],
) -> None:
    lead = ContactFactory(goals="Grow")
    page = at_work(f"contacts/contact/{lead.pk}/change/")
    page.context.clear_cookies(name="sessionid")

    page.locator("#fact-goals a").click()

    expect(page).to_have_url(re.compile("/admin/login/"))


def test_on_paper_a_lead_is_its_facts_and_its_story_without_the_buttons(
    at_work: Callable[[str], Page],
) -> None:
    lead = ContactFactory(phone=PHONE, goals="Grow")
    lead.notes.create(text="Asked for a discount.", author="rudi")
    page = at_work(f"contacts/contact/{lead.pk}/change/")

    page.emulate_media(media="print")

    for shown in ("Grow", "Asked for a discount."):
        expect(page.get_by_text(shown)).to_be_visible()
    for hidden in (
        page.locator("#note-text"),
        page.locator("#nav-sidebar"),
        page.locator(".ls-do"),
    ):
        expect(hidden).not_to_be_visible()


def test_on_a_phone_home_and_a_lead_are_short_and_show_the_rest_when_asked(
    page: Page, live_server: Any
) -> None:
    lead = ContactFactory(phone=PHONE, name="Budi", goals="Grow", location="Solo", story="Long")
    for number in range(12):
        lead.notes.create(text=f"Minta diskon {number} %.", author="rudi")
        ContactFactory(lead_temperature="hot", lead_score=90)
    UserFactory(username="dewi", group="Sales")
    page.set_extra_http_headers({"Accept-Language": "id"})
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/admin/")
    page.locator("#id_username").fill("dewi")
    page.locator("#id_password").fill("secret")
    page.locator("button[type=submit]").first.click()
    more = page.get_by_text("Lihat semua angka")
    assert page.evaluate("document.documentElement.scrollHeight") < HOME_AT_MOST
    expect(page.locator(".ls-funnel")).not_to_be_visible()
    more.click()
    expect(page.locator(".ls-funnel")).to_be_visible()

    page.goto(f"{live_server.url}/admin/contacts/contact/{lead.pk}/change/")
    assert page.evaluate("document.documentElement.scrollHeight") < LEAD_AT_MOST
    expect(page.get_by_text("Minta diskon 0 %.")).not_to_be_visible()
    page.get_by_text("Lihat semua kejadian").click()
    expect(page.get_by_text("Minta diskon 0 %.")).to_be_visible()
    bar = page.get_by_role("navigation", name="Hubungi")
    for way in ("WhatsApp", "Telepon", "Catatan"):
        expect(bar.get_by_text(way)).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    top = page.evaluate("document.querySelector('#timeline').getBoundingClientRect().top")
    assert top < 2 * 844
    bar.get_by_text("Catatan").click()
    expect(page.locator("#note-text")).to_be_focused()
    page.keyboard.type("Sudah ditelepon.")
    page.locator("#timeline").get_by_role("button", name="Simpan").click()
    expect(page.locator("#timeline")).to_contain_text("Sudah ditelepon.")


def test_leads_are_filtered_ticked_and_moved_and_a_wrong_phone_is_explained(
    at_work: Callable[[str], Page],
) -> None:
    ContactFactory.create_batch(2)
    ContactFactory(lead_status="converted")
    page = at_work("contacts/contact/")

    page.locator("summary", has_text="Filters").click()
    page.locator(".ld-filters").get_by_role("checkbox", name="New").check()  # acts at once
    expect(page.locator("[data-row]")).to_have_count(2)
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Status").click()
    page.get_by_label("Status").select_option("qualified")
    page.get_by_role("button", name="Change").click()

    expect(page.get_by_text("2 leads moved to “Qualified”")).to_be_visible()
    assert Contact.objects.filter(lead_status="qualified").count() == 2

    page.goto(page.url.split("?")[0] + "add/")
    page.get_by_label("Phone").fill("nobody")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("The phone number has letters or signs")).to_be_visible()


def test_the_chat_opens_in_whatsapp_and_what_was_typed_stays(
    at_work: Callable[[str], Page],
) -> None:
    lead = ContactFactory(phone=PHONE)
    page = at_work(f"contacts/contact/{lead.pk}/change/")
    page.locator("#note-text").fill("Not saved yet.")

    with whatsapp_opens(page) as chat:
        page.get_by_role("button", name="WhatsApp").first.click()

    assert chat.value.url == "https://wa.me/6281234567890"
    expect(page.locator("#note-text")).to_have_value("Not saved yet.")
    lead.refresh_from_db()
    assert lead.last_contact_at
