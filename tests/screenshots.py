"""Takes the README's pictures of the admin: `make screenshots`, so that they never age."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import CHROMIUM
from tests.demo import Demo, clone_of_project, ctrl_c, running_demo

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
DESK, PHONE = {"width": 1380, "height": 860}, {"width": 390, "height": 844}


class Shot(NamedTuple):
    name: str
    path: str
    link: str = ""
    """CSS of a link on that page; the picture shows where it leads to."""
    is_phone: bool = False


LEAD = "main a[href*='/contact/'][href*='/change/']"
CAUSE = "main a[href*='/failuregroup/'][href*='/change/']"
SHOTS = (
    Shot("home", ""),
    Shot("leads", "contacts/contact/"),
    Shot("lead", "contacts/contact/", link=LEAD),
    Shot("board", "contacts/contact/board/"),
    Shot("cause", "monitoring/failuregroup/", link=CAUSE),
    Shot("connect", "leadsync/apikey/connect/"),
    Shot("phone-home", "", is_phone=True),
    Shot("phone-leads", "contacts/contact/", is_phone=True),
    Shot("phone-lead", "contacts/contact/", link=LEAD, is_phone=True),
)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        running_demo(clone_of_project(Path(folder)), stop=ctrl_c) as demo,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for is_phone in (False, True):
            with signed_in(browser, demo, is_phone=is_phone) as page:
                for shot in SHOTS:
                    if shot.is_phone == is_phone:
                        take(page, demo, shot)
        browser.close()


@contextmanager
def signed_in(browser: Browser, demo: Demo, *, is_phone: bool) -> Iterator[Page]:
    """A page at a desk in light English, or on a phone in dark Indonesian."""
    look = {"viewport": PHONE, "color_scheme": "dark", "locale": "id", "device_scale_factor": 2}
    context = browser.new_context(**(look if is_phone else {"viewport": DESK, "locale": "en"}))
    page = context.new_page()
    page.goto(f"{demo.admin}/login/")
    for name, value in demo.login.items():
        page.fill(f"[name={name}]", value)
    page.click("button[type=submit]")
    yield page
    context.close()


def take(page: Page, demo: Demo, shot: Shot) -> None:
    page.goto(f"{demo.admin}/{shot.path}")
    if shot.link:
        page.goto(f"{demo.admin.removesuffix('/admin')}{page.get_attribute(shot.link, 'href')}")
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{shot.name}.png", animations="disabled")


if __name__ == "__main__":
    main()
