"""A salesperson at the desk, with a mouse, a thumb and a keyboard, in a real browser."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from contacts.models import Contact
from tests.bot import PHONE
from tests.factories import ContactFactory, UserFactory, waiting_lead
from tests.staff import sign_in, whatsapp_opens

pytestmark = pytest.mark.django_db(transaction=True)

PHONE_SIZE = {"width": 390, "height": 844}


@pytest.fixture
def work(context: BrowserContext, live_server: Any) -> Callable[..., Page]:
    """Opens the home of Dewi, who is logged in."""

    def opened(*, group: str = "Sales", **size: int) -> Page:
        page = context.new_page()
        sign_in(page, live_server.url, UserFactory(username="dewi", group=group, password="!"))
        page.set_viewport_size(size or {"width": 1380, "height": 900})
        page.goto(f"{live_server.url}/admin/")
        return page

    return opened


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def test_on_a_phone_in_indonesian_a_screen_shows_eight_leads_and_nothing_goes_sideways(
    work: Callable[..., Page], context: BrowserContext, live_server: Any
) -> None:
    for number in range(12):
        waiting_lead(f"Nama yang sangat panjang sekali {number}", business_type="Kedai kopi " * 5)
    cookie = {"name": "django_language", "value": "id", "url": live_server.url}
    context.add_cookies([cookie])
    page = work(**PHONE_SIZE)

    for address in ("", "?tab=today", "?o=name&lead_status__exact=contacted", "board/"):
        page.goto(f"{live_server.url}/admin/contacts/contact/{address}")
        assert not scrolls_sideways(page), address
    page.goto(f"{live_server.url}/admin/contacts/contact/?tab=today")
    expect(page.locator("[data-row]").first).to_contain_text("Diserahkan")
    boxes = [row.bounding_box() for row in page.locator("[data-row]").all()]
    whole = [box for box in boxes if box and box["y"] + box["height"] <= PHONE_SIZE["height"]]

    assert len(whole) >= 8
    assert {round(box["height"]) for box in whole} <= set(range(68, 77))
    page.locator(".action-select").first.check()
    bar = page.locator(".ld-bar").bounding_box()
    assert bar
    assert bar["y"] + bar["height"] <= PHONE_SIZE["height"]
    with whatsapp_opens(page) as chat:
        page.locator(".ld-whatsapp").first.click()
    assert chat.value.url.startswith("https://wa.me/62")


def test_a_card_is_dragged_moved_with_keys_refused_with_words_and_archived_with_a_reason(
    work: Callable[..., Page], live_server: Any
) -> None:
    lead = ContactFactory(name="Budi")
    page = work()
    page.goto(f"{live_server.url}/admin/contacts/contact/board/")
    column = {
        status: page.locator(f"[data-status={status}]")
        for status in ("new", "qualified", "contacted", "archived")
    }
    card = page.locator(f"[data-lead='{lead.pk}']")

    card.drag_to(column["contacted"])
    expect(card.get_by_role("alert")).to_contain_text("Invalid transition: new -> contacted")

    card.drag_to(column["qualified"])
    expect(column["qualified"].locator(f"[data-lead='{lead.pk}']")).to_be_visible()
    expect(column["qualified"].locator("[data-count]")).to_have_text("1")
    expect(card).to_be_focused()

    page.keyboard.press("Shift+ArrowRight")
    expect(column["contacted"].locator(f"[data-lead='{lead.pk}']")).to_be_focused()
    expect(page.get_by_role("status").filter(has_text="Budi")).to_contain_text("Contacted")

    card.get_by_text("Move").click()
    card.get_by_role("button", name="Archived").click()
    expect(page.get_by_role("dialog")).to_contain_text(str(lead))
    page.get_by_label("Why archived").select_option("price")
    page.get_by_role("button", name="Archive", exact=True).click()
    expect(column["archived"].locator(f"[data-lead='{lead.pk}']")).to_be_visible()
    lead.refresh_from_db()
    assert lead.lead_status == "archived"
    assert lead.status_changes.first().archive_reason == "price"


def test_an_open_list_follows_the_leads_and_loses_neither_tick_nor_focus_nor_place(
    work: Callable[..., Page], live_server: Any
) -> None:
    one, two = ContactFactory(name="Ani"), ContactFactory(name="Budi")
    page = work()
    page.goto(f"{live_server.url}/admin/contacts/contact/")
    page.locator(f"#lead-{one.pk} .action-select").check()
    page.locator(f"#lead-{one.pk} a").focus()
    Contact.objects.filter(pk=one.pk).update(name="Ani Wulandari", lead_score=95)
    Contact.objects.filter(pk=two.pk).update(name="Budi Santoso")

    page.evaluate("leadsyncLive.now()")

    expect(page.locator(f"#lead-{one.pk}")).to_contain_text("Ani Wulandari")
    expect(page.locator(f"#lead-{one.pk} .action-select")).to_be_checked()
    expect(page.locator(f"#lead-{one.pk} a")).to_be_focused()
    expect(page.locator(f"#lead-{two.pk}")).to_contain_text("Budi Santoso")

    ContactFactory(name="Citra", last_activity_at=timezone.now())
    cache.clear()  # ten seconds later
    page.evaluate("leadsyncLive.now()")  # the person is busy: nothing jumps
    expect(page.get_by_role("button", name="There is something new: show it")).to_be_visible()
    expect(page.get_by_text("Citra")).to_have_count(0)


def test_the_keyboard_finds_walks_ticks_and_helps_but_not_while_somebody_types(
    work: Callable[..., Page], live_server: Any
) -> None:
    ContactFactory(name="Ani")
    budi = ContactFactory(name="Budi", phone=PHONE)
    page = work()
    page.goto(f"{live_server.url}/admin/contacts/contact/?o=name")
    palette, finder = page.get_by_role("dialog", name="Find leads"), page.locator("#palette-input")

    opener = page.get_by_role("button", name="Find")
    opener.focus()
    page.keyboard.press("Control+k")
    expect(finder).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body || "
                         "!!document.activeElement.closest('#palette')")  # fmt: skip
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    expect(opener).to_be_focused()

    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(".ld-current")).to_contain_text("Budi")
    page.keyboard.press("k")
    expect(page.locator(".ld-current")).to_contain_text("Ani")
    page.keyboard.press("x")
    expect(page.locator(".action-select").first).to_be_checked()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")

    search = page.get_by_role("searchbox").first
    search.click()
    page.keyboard.type("jk/?e")
    expect(search).to_have_value("jk/?e")
    expect(palette).to_be_hidden()
    search.blur()

    page.keyboard.press("/")
    finder.fill("0812-3456")
    expect(page.get_by_role("option", name="Budi")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/contact/{budi.pk}/change/"))
    expect(page.locator("#note-text")).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press("e")
    expect(page.locator("#note-text")).to_be_focused()
