"""Pages that stay open refresh by themselves, and take nothing from whoever is at work on them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, Request, expect

from contacts.models import Contact
from monitoring.kinds import Kind
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, SarahStateFactory, SyncFailureFactory, UserFactory
from tests.staff import sign_in

pytestmark = pytest.mark.django_db(transaction=True)

A_WHILE = 21_000
"""A little more than the pause between two questions."""


@pytest.fixture
def at(page: Page, live_server: Any) -> Iterator[Callable[[str], Page]]:
    """Opens a page as a superuser whose clock the test turns. No page may report an error."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    sign_in(page, live_server.url, UserFactory(is_superuser=True, password="!"))
    page.clock.install()

    def opened(path: str) -> Page:
        page.goto(f"{live_server.url}{path}")
        page.wait_for_function("window.leadsyncLive")
        return page

    yield opened
    assert errors == []


def see(page: Page, *, hidden: bool) -> None:
    """Bring the tab to the front, or put another before it."""
    page.evaluate(
        """hidden => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_a_bots_message_appears_on_an_open_lead_while_a_half_typed_note_stays(
    at: Callable[[str], Page], bot: Bot
) -> None:
    lead = ContactFactory(phone=PHONE, name="Budi", location="Bandung")
    page = at(f"/admin/contacts/contact/{lead.pk}/change/")
    page.locator("#fact-location a").click()
    page.get_by_role("textbox", name="Location").fill("Bandung Kid")
    note = page.get_by_role("textbox", name="Note")
    note.fill("She asked for")
    note.press("ArrowLeft")

    bot.post(state="handoff", lead_score=85, extracted_data={"goals": "Grow", "location": "Bali"})
    page.clock.run_for(A_WHILE)

    expect(page.locator("#story")).to_contain_text("Grow")
    expect(page.locator("#lead-score")).to_contain_text("85")
    expect(page.locator("#lead-who")).to_contain_text("Waiting for somebody")
    expect(note).to_have_value("She asked for")
    expect(note).to_be_focused()
    assert note.evaluate("field => field.selectionStart") == len("She asked fo")
    expect(page.get_by_role("textbox", name="Location")).to_have_value("Bandung Kid")

    page.locator("#fact-location").get_by_role("link", name="Cancel").click()
    page.wait_for_url("**/change/**")
    expect(page.locator("#fact-location")).to_contain_text("Bali")


def test_a_hidden_tab_asks_nothing_and_catches_up_as_soon_as_it_is_shown(
    at: Callable[[str], Page],
) -> None:
    lead = ContactFactory(name="Budi")
    page = at("/admin/contacts/contact/board/")
    asked: list[str] = []

    def count(request: Request) -> None:
        if request.headers.get("x-live"):
            asked.append(request.url)

    page.on("request", count)
    see(page, hidden=True)
    page.clock.run_for(20 * A_WHILE)
    assert asked == []

    Contact.objects.filter(pk=lead.pk).update(name="Budi Santoso", lead_status="qualified")
    see(page, hidden=False)

    expect(page.locator("#cards-qualified")).to_contain_text("Budi Santoso")
    expect(page.locator("#count-new")).to_have_text("0")
    assert len(asked) == 2  # the board, and the sidebar's numbers


def test_a_cause_keeps_what_is_ticked_and_says_quietly_when_the_server_is_away(
    at: Callable[[str], Page],
) -> None:
    for name in ("Ani", "Budi"):
        state = SarahStateFactory(contact_phone=ContactFactory(name=name).phone)
        failure = SyncFailureFactory(kind=Kind.SYNC_ERROR, state=state)
    page = at(f"/admin/monitoring/failuregroup/{failure.group_id}/change/")
    tick = page.locator("#ls-people tbody input[type=checkbox]").first
    tick.set_checked(not tick.is_checked())
    is_ticked = tick.is_checked()

    failure.occurrences = 41
    failure.save()
    page.clock.run_for(A_WHILE)
    expect(page.locator(".ls-issue-head")).to_contain_text("42 times")
    expect(tick).to_be_checked(checked=is_ticked)

    says = page.locator("#live-says")
    page.route("**/*", lambda route: route.abort())
    for _time in range(2):  # once may be a restart
        page.evaluate("leadsyncLive.now()")
    expect(says).to_have_text("The server does not answer: this page is not up to date.")
    page.unroute("**/*")
    page.evaluate("leadsyncLive.now()")
    expect(says).to_be_hidden()

    Session.objects.all().delete()
    page.evaluate("leadsyncLive.now()")
    expect(says).to_have_text("This page no longer refreshes itself. Load it again.")
