"""Pages for everybody: axe-core, by the rules of WCAG 2.2 AA, finds nothing serious on any page."""

from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from django.db import connection
from django.urls import reverse
from playwright.sync_api import Page

from sarah.models import SarahState
from tests.factories import UserFactory
from tests.leadsync.test_admin_pages import LISTS
from tests.staff import sign_in
from tests.walk import is_page, paths_of

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.browser_context_args(bypass_csp=True),  # axe-core is put into the page
    pytest.mark.skipif(connection.vendor != "sqlite", reason="a page looks the same on both"),
]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
COLOURS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
MAX_ROW = 80
WITHOUT_REPEATED = """
    document.querySelectorAll("#nav-sidebar-inner, option:nth-of-type(n+4)").forEach(
        (part) => part.remove()
    )
"""
"""The menu beside each page is that of the first; the other choices look like the first three."""
DESK, PHONE = {"width": 1380, "height": 900}, {"width": 390, "height": 844}


@pytest.mark.parametrize("app", ["contacts", "sarah", "monitoring", "leadsync", "auth"])
def test_every_page_can_be_read_and_used(app: str, page: Page, live_server: Any) -> None:
    for number, make in enumerate(LISTS.values()):
        make(number)
    browser = sign_in(page, live_server.url, UserFactory(is_superuser=True, password="!"))
    page.add_init_script(AXE)
    found: dict[str, list[str]] = {}

    for path in filter(lambda path: is_page(browser.get(path)), dict.fromkeys(paths_of(app))):
        page.set_viewport_size(DESK)
        page.goto(f"{live_server.url}{path}")
        if path != reverse("admin:index"):
            page.evaluate(WITHOUT_REPEATED)
        findings = faults(page, RULES)
        page.evaluate("document.documentElement.classList.add('dark')")
        findings += faults(page, COLOURS)
        page.set_viewport_size(PHONE)
        findings += faults(page, RULES) + misfits(page)
        if findings:
            found[path] = findings

    assert not found


def test_somebody_who_is_not_logged_in_can_read_and_use_their_pages(
    page: Page, live_server: Any
) -> None:
    page.add_init_script(AXE)
    link = reverse("password_reset_confirm", args=["MQ", "used-up"])
    for path in (*map(reverse, ("admin:login", "admin_password_reset")), link, "/nowhere/"):
        page.goto(f"{live_server.url}{path}")
        assert faults(page, RULES) == []


def test_the_keyboard_skips_the_sidebar_and_opens_the_menu_in_the_dark_too(
    page: Page, live_server: Any
) -> None:
    sign_in(page, live_server.url, UserFactory(is_superuser=True, password="!"))
    page.emulate_media(color_scheme="dark")
    page.goto(f"{live_server.url}{reverse('admin:index')}")
    assert "dark" in (page.locator("html").get_attribute("class") or "")

    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    menu = page.locator("[aria-controls=user-menu]")
    menu.focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").wait_for()
    page.keyboard.press("Escape")
    assert menu.get_attribute("aria-expanded") == "false"
    assert menu.evaluate("(button) => document.activeElement === button")


def test_on_a_phone_a_touch_anywhere_on_a_row_opens_it(page: Page, live_server: Any) -> None:
    LISTS[SarahState](1)
    sign_in(page, live_server.url, UserFactory(is_superuser=True, password="!"))
    page.set_viewport_size(PHONE)
    page.goto(f"{live_server.url}{reverse('admin:sarah_sarahstate_changelist')}")

    row: Any = page.locator("[data-row]").bounding_box()
    page.mouse.click(row["x"] + row["width"] - 20, row["y"] + row["height"] - 8)

    page.wait_for_url("**/sarahstate/*/change/*")


def misfits(page: Page) -> list[str]:
    """What does not fit a phone: a page that scrolls sideways, rows of more than two lines."""
    width = page.evaluate("document.documentElement.scrollWidth")
    heights = page.evaluate(
        "[...document.querySelectorAll('[data-row]:not(li)')].map((row) => row.offsetHeight)"
    )
    tall = [f"a row of {height} pixels" for height in heights if height > MAX_ROW]
    return [*([f"{width} pixels wide"] if width > PHONE["width"] else []), *tall[:1]]


def faults(page: Page, rules: dict[str, Any]) -> list[str]:
    """What axe-core calls serious or critical: the rule, and where."""
    found = page.evaluate(
        """(runOnly) => axe.run(
            document, {runOnly, resultTypes: ["violations"], preload: false}
        )""",
        rules,
    )
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"][:3]
    ]
