"""A salesperson at work, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Contact
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def at_work(page: Page, live_server) -> Page:
    """The browser of somebody of Sales who has just logged in."""
    UserFactory(username="dewi", group="Sales")
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("dewi")
    page.get_by_label("Password").fill("secret")
    page.get_by_role("button", name="Log in").click()
    return page


def test_a_lead_is_found_edited_held_and_handed_back(at_work: Page, bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE, name="Bude")
    ContactFactory(name="Somebody else")
    page = at_work
    page.locator("a[href='/admin/contacts/contact/']").first.click()
    page.get_by_placeholder(
        "Name, business type, WhatsApp user name or id, or phone in any spelling"
    ).fill("0812-3456")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Somebody else")).to_have_count(0)
    page.get_by_role("link", name="Bude").click()

    page.get_by_role("textbox", name="Name", exact=True).fill("Budi Santoso")
    page.locator("#id_notes-0-text").fill("Called him: likes the demo.")
    bot.post(state="handoff", lead_score=85, extracted_data={"name": "B", "goals": "Grow"})
    page.get_by_role("button", name="Save and continue editing").click()

    expect(page.get_by_role("textbox", name="Name", exact=True)).to_have_value("Budi Santoso")
    expect(page.get_by_label("Goals")).to_have_value("Grow")
    expect(page.get_by_label("Score")).to_have_value("85")
    expect(page.get_by_text("Called him: likes the demo.")).to_be_visible()
    expect(page.get_by_text("Held by staff.")).to_have_count(1)

    page.get_by_text("Hand back to Sarah").scroll_into_view_if_needed()
    page.get_by_role("checkbox", name="Name").check()
    page.get_by_role("button", name="Save and continue editing").click()

    expect(page.get_by_text("Held by staff.")).to_have_count(0)
    lead.refresh_from_db()
    assert (lead.name, lead.goals, lead.staff_fields) == ("Budi Santoso", "Grow", [])


def test_ticked_leads_are_moved_and_a_wrong_phone_is_explained(at_work: Page) -> None:
    ContactFactory.create_batch(2)
    page = at_work
    page.goto(page.url.split("/admin/")[0] + "/admin/contacts/contact/")

    page.locator("#action-toggle").check()
    page.locator("select[name=action]").select_option("move_to_qualified")
    page.get_by_role("button", name="Run").click()

    expect(page.get_by_text("2 leads moved to “Qualified”")).to_be_visible()
    assert Contact.objects.filter(lead_status="qualified").count() == 2

    page.goto(page.url.split("?")[0] + "add/")
    page.get_by_label("Phone").fill("nobody")
    page.get_by_role("button", name="Save", exact=True).click()

    expect(page.get_by_text("The phone number has letters or signs")).to_be_visible()


def test_the_chat_opens_in_whatsapp_and_what_was_typed_stays(at_work: Page) -> None:
    lead = ContactFactory(phone=PHONE)
    page = at_work
    page.context.route("https://wa.me/**", lambda route: route.fulfill(body="WhatsApp"))
    page.goto(page.url.split("/admin/")[0] + f"/admin/contacts/contact/{lead.pk}/change/")
    page.locator("#id_notes-0-text").fill("Not saved yet.")

    with page.expect_popup() as opened:
        page.get_by_role("button", name="Open the chat in WhatsApp").click()

    expect(opened.value).to_have_url("https://wa.me/6281234567890")
    expect(page.locator("#id_notes-0-text")).to_have_value("Not saved yet.")
    lead.refresh_from_db()
    assert lead.last_contact_at
