"""From the home page to what one came for, in as few clicks as promised."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from contacts.models import Contact
from leadsync.models import ApiKey
from monitoring.kinds import Kind
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.factories import (
    ContactFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    WorkspaceFactory,
    fail_sync,
)

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"width": 390, "height": 844}


class Home:
    """The home page of somebody who has just logged in; counts the clicks from there."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.site, self.clicks = page, site, 0

    def log_in(self, **account: Any) -> "Home":
        user = UserFactory(password="!", **account)
        client = Client()
        client.force_login(user)
        cookie = client.cookies["sessionid"].value
        self.page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": self.site}])
        self.page.goto(f"{self.site}/admin/")
        return self

    def click(self, target: Locator) -> None:
        self.clicks += 1
        target.click()


@pytest.fixture
def home(page: Page, live_server: Any) -> Iterator[Home]:
    """No page may report an error."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield Home(page, live_server.url)
    assert errors == []


def test_seven_unknown_people_are_added_within_three_clicks(home: Home) -> None:
    SarahStateFactory.create_batch(7, lead_score=60, extracted_data={"business_type": "cafe"})
    home.log_in(group="Operators")
    page = home.page

    home.click(page.get_by_role("link", name="Causes of failures").first)
    home.click(page.get_by_role("link", name="People who are no leads yet"))
    page.get_by_role("checkbox", name="Tick all").uncheck()
    expect(page.get_by_role("button", name="Add these 0 people")).to_be_disabled()
    page.get_by_role("checkbox", name="Tick all").check()
    home.click(page.get_by_role("button", name="Add these 7 people"))

    expect(page.get_by_text("7 people are leads now.")).to_be_visible()
    expect(page.get_by_text("Nobody any more: it is over.")).to_be_visible()
    assert set(Contact.objects.values_list("business_type", "lead_score")) == {("cafe", 60)}
    assert home.clicks <= 3


def test_what_keeps_a_lead_out_of_date_is_mended_within_two_clicks(home: Home) -> None:
    lead = ContactFactory()
    state = SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace)
    SarahState.objects.filter(pk=state.pk).update(lead_score=77)
    fail_sync(state)
    SarahState.objects.update(has_open_failures=True)
    SyncFailureFactory(kind=Kind.SYNC_ERROR, state=state, contact_phone=lead.phone)
    home.log_in(group="Operators")

    home.click(home.page.get_by_role("button", name="Retry"))

    expect(home.page.get_by_text("1 conversation is in sync now.")).to_be_visible()
    lead.refresh_from_db()
    assert (lead.lead_score, home.clicks) == (77, 1)
    assert not SyncFailure.objects.open().exists()


def test_a_key_and_the_first_message_take_four_clicks(home: Home) -> None:
    home.log_in(is_superuser=True)
    page = home.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    home.click(page.get_by_role("link", name="Connect a bot"))
    home.click(page.get_by_role("button", name="Make the key"))
    home.click(page.get_by_role("button", name="Copy the function"))
    function = page.evaluate("navigator.clipboard.readText()")
    expect(page.get_by_text("Waiting for the first message")).to_be_visible()
    (key,) = re.findall(r'"(ls_[^"]+)"', function)
    Client(headers={"X-API-Key": key}).post(
        "/sarah/state", '{"contact_phone": "+628123456789"}', "x"
    )

    home.click(page.get_by_role("link", name=re.compile("See what .* said")))

    expect(page.get_by_text("+628123456789").first).to_be_visible()
    assert home.clicks == 4
    assert ApiKey.objects.get().scopes == "states:write"


def test_whom_to_call_first_is_the_first_thing_on_a_phone_in_indonesian(home: Home) -> None:
    now = timezone.now()
    for number in range(6):
        lead = ContactFactory(
            name=f"Budi {number}", lead_temperature="hot", handed_over_at=now, answer_by=now
        )
    home.page.set_viewport_size(PHONE)
    home.page.context.set_extra_http_headers({"Accept-Language": "id"})
    home.log_in(group="Sales", first_name="Dewi")
    page = home.page

    expect(page.get_by_role("heading", name="Hubungi ini dulu")).to_be_in_viewport()
    expect(page.get_by_role("button", name="WhatsApp").first).to_be_in_viewport()
    assert page.get_by_role("button", name="WhatsApp").count() == 5
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    home.click(page.locator(".ls-call-name").first)

    expect(page).to_have_url(re.compile(r"/contacts/contact/\d+/"))
    assert home.clicks == 1
    assert lead.pk


def test_a_colleague_is_invited_into_one_workspace_within_four_clicks(home: Home) -> None:
    WorkspaceFactory(slug="kopi", name="Kopi Kita")
    home.log_in(is_superuser=True)
    page = home.page

    home.click(page.get_by_role("link", name="Invite a colleague").last)
    page.get_by_label("E-mail").fill("ani@example.com")
    page.get_by_label("Name", exact=False).last.fill("Ani Wijaya")
    page.get_by_label("Kopi Kita").check()
    home.click(page.get_by_role("button", name="Send the invitation"))

    expect(page.get_by_text("Sent to ani@example.com.")).to_be_visible()
    expect(page.get_by_role("heading", name="Invited, not yet joined")).to_be_visible()
    ani = User.objects.get(email="ani@example.com")
    assert [one.workspace.slug for one in ani.memberships.all()] == ["kopi"]
    assert home.clicks <= 4
