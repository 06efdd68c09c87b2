"""From the home page to what one came for, in as few clicks as promised: at a desk in English, and
on a phone in Indonesian, where nothing scrolls sideways. Ticks and typing are no clicks."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation import gettext, ngettext
from playwright.sync_api import Locator, Page, expect

from contacts.models import Contact
from leadsync.models import ApiKey
from monitoring.kinds import Kind
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE as BUDIS
from tests.factories import (
    ContactFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    WorkspaceFactory,
    fail_sync,
    waiting_lead,
)
from tests.staff import sign_in, whatsapp_opens

pytestmark = pytest.mark.django_db(transaction=True)

DESK = {"viewport": {"width": 1380, "height": 900}, "locale": "en-GB"}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "locale": "id-ID",
    "is_mobile": True,
    "has_touch": True,
}
COUNT_CLICKS = """
addEventListener("click", (event) => {
    const isTick = event.target.closest("label, input, select, textarea");
    if (event.isTrusted && !isTick) sessionStorage.clicks = 1 + +(sessionStorage.clicks || 0);
}, true);
"""
"""What a person's hand does, not a script; kept by the tab from page to page."""


@dataclass(slots=True)
class Person:
    """Somebody at the home page, who sees the texts of their language."""

    page: Page
    site: str
    language: str

    def comes_home(self, **account: Any) -> User:
        user = UserFactory(password="!", **account)
        sign_in(self.page, self.site, user)
        self.page.goto(f"{self.site}/admin/")
        return user

    def says(self, text: str, values: object = (), *, many: str = "") -> str:
        """The text as this person reads it."""
        with translation.override(self.language):
            return (ngettext(text, many, 2) if many else gettext(text)) % values

    def clicks(self, target: Locator) -> None:
        target.wait_for()
        assert not self.scrolls_sideways
        target.click()

    def presses(self, text: str) -> None:
        self.clicks(self.page.get_by_role("button", name=re.compile(f"{self.says(text)}$")).first)

    def follows(self, text: str) -> None:
        """Click on a link of the page, not of the sidebar."""
        self.clicks(self.page.locator("#main").get_by_role("link", name=self.says(text)).first)

    def ticks_rows(self, count: int) -> None:
        rows = self.page.locator("[data-row]")
        expect(rows).to_have_count(count)
        for row in rows.all():
            row.get_by_role("checkbox").check()

    def sees(self, text: str, values: object = (), *, many: str = "") -> None:
        said = self.says(text, values, many=many)
        expect(self.page.get_by_text(said).first).to_be_visible()

    @property
    def clicked(self) -> int:
        return int(self.page.evaluate("+(sessionStorage.clicks || 0)"))

    @property
    def scrolls_sideways(self) -> bool:
        self.page.wait_for_load_state()
        width = self.page.evaluate("document.documentElement.scrollWidth")
        return bool(width > self.page.viewport_size["width"])  # type: ignore[index]


@pytest.fixture(params=[DESK, PHONE], ids=["at a desk", "on a phone in Indonesian"])
def person(request: Any, new_context: Any, live_server: Any) -> Iterator[Person]:
    """No page may report an error."""
    context = new_context(**request.param)
    context.add_init_script(COUNT_CLICKS)
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    yield Person(page, live_server.url, request.param["locale"][:2])
    assert errors == []


def whom_to_call_first(person: Person) -> None:
    urgent = waiting_lead("Budi", phone=BUDIS, lead_score=90, lead_temperature="hot")
    waiting_lead("Ani", lead_score=20)
    person.comes_home(group="Sales")

    heading = person.page.get_by_role("heading", name=person.says("Call these first"))
    expect(heading).to_be_in_viewport()
    first = person.page.locator(".ls-call").first
    expect(first).to_contain_text("Budi")
    expect(first).to_contain_text("Hot")
    with whatsapp_opens(person.page) as chat:
        person.clicks(first.get_by_role("button", name="WhatsApp"))

    assert chat.value.url == "https://wa.me/6281234567890"
    urgent.refresh_from_db()
    assert urgent.last_contact_at


def the_whole_story(person: Person) -> None:
    lead = waiting_lead("Budi", goals="Open a second shop")
    lead.notes.create(text="Asked for a discount.", author="rudi")
    lead.status_changes.create(from_status="qualified", to="contacted", by="sarah-bot")
    person.comes_home(group="Sales")

    person.clicks(person.page.get_by_role("link", name="Budi").first)

    for told in ("Open a second shop", "Asked for a discount.", "rudi"):
        person.sees(told)
    expect(person.page.locator("#timeline")).to_contain_text(person.says("Qualified"))


def assign_five(person: Person) -> None:
    rudi = UserFactory(username="rudi", first_name="Rudi")
    ContactFactory.create_batch(5)
    person.comes_home(group="Sales")

    person.follows("have no owner (new in 30 days)")
    person.ticks_rows(5)
    person.presses("Assign")
    choice = person.page.get_by_label(person.says("Assign to"))
    choice.select_option(str(rudi.pk))
    person.presses("Assign")

    one = "%(count)d lead is now assigned to %(person)s."
    many = "%(count)d leads are now assigned to %(person)s."
    person.sees(one, {"count": 5, "person": "Rudi"}, many=many)
    assert rudi.leads.count() == 5


def note_with_follow_up(person: Person) -> None:
    lead = waiting_lead("Budi")
    person.comes_home(group="Sales", username="dewi")

    person.clicks(person.page.get_by_role("link", name="Budi").first)
    timeline = person.page.locator("#timeline")
    timeline.get_by_label(person.says("Note"), exact=True).first.fill("Likes the demo.")
    timeline.locator("label", has_text=person.says("Tomorrow")).click()
    person.clicks(timeline.get_by_role("button", name=person.says("Save")))

    expect(timeline).to_contain_text("Likes the demo.")
    step = person.page.get_by_role("region", name=person.says("Next step"))
    expect(step).to_contain_text(person.says("Contact again"))
    assert lead.follow_ups.get().created_by == "dewi"


def add_seven_unknown_people(person: Person) -> None:
    SarahStateFactory.create_batch(7, lead_score=60, extracted_data={"business_type": "cafe"})
    person.comes_home(group="Operators")

    person.presses("Add them all")

    person.sees("%d person is a lead now.", 7, many="%d people are leads now.")
    assert set(Contact.objects.values_list("business_type", "lead_score")) == {("cafe", 60)}
    assert Contact.objects.count() == 7


def export_the_qualified_of_this_week(person: Person) -> None:
    now = timezone.now()
    for number, at in enumerate((now, now, now - timedelta(days=9))):
        ContactFactory(name=f"Lead {number}", lead_status="qualified", status_changed_at=at)
    ContactFactory(lead_status="converted", status_changed_at=now)
    person.comes_home(group="Operators")
    person.page.goto(f"{person.site}/admin/?view=calls")

    week = person.page.locator(".ls-headline", has_text=person.says("Qualified"))
    person.clicks(week.get_by_role("link", name="2"))
    person.ticks_rows(2)
    with person.page.expect_download() as download:
        person.presses("Export")

    told = download.value.path().read_text()
    assert ["Lead 0" in told, "Lead 1" in told, "Lead 2" in told] == [True, True, False]


def a_key_and_the_first_message(person: Person) -> None:
    page = person.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    person.comes_home(is_superuser=True)

    person.follows("Connect a bot")
    person.presses("Make the key")
    person.presses("Copy the function")
    function = page.evaluate("navigator.clipboard.readText()")
    person.sees("Waiting for the first message…")
    (key,) = re.findall(r'"(ls_[^"]+)"', function)
    told = Client(headers={"X-API-Key": key})
    told.post("/sarah/state", '{"contact_phone": "+628123456789"}', "application/json")
    person.clicks(page.locator(".ls-arrived").get_by_role("link"))

    person.sees("+628123456789")
    assert ApiKey.objects.get().scopes == "states:write"


def invite_a_colleague_into_one_workspace(person: Person) -> None:
    WorkspaceFactory(slug="kopi", name="Kopi Kita")
    person.comes_home(is_superuser=True)
    page = person.page

    person.follows("Invite a colleague")
    page.locator("[name=email]").fill("ani@example.com")
    page.locator("[name=name]").fill("Ani Wijaya")
    page.get_by_label("Kopi Kita").check()
    person.presses("Send the invitation")

    sent = {"email": "ani@example.com", "days": 3}
    person.sees("Sent to %(email)s. The link is valid for %(days)d days.", sent)
    ani = User.objects.get(email="ani@example.com")
    assert [one.workspace.slug for one in ani.memberships.all()] == ["kopi"]


def mend_what_keeps_a_lead_out_of_date(person: Person) -> None:
    lead = ContactFactory()
    state = SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace)
    SarahState.objects.filter(pk=state.pk).update(lead_score=77)
    fail_sync(state)
    SarahState.objects.update(has_open_failures=True)
    SyncFailureFactory(kind=Kind.SYNC_ERROR, state=state, contact_phone=lead.phone)
    person.comes_home(group="Operators")

    person.presses("Retry")

    person.sees("%d conversation is in sync now.", 1)
    lead.refresh_from_db()
    assert lead.lead_score == 77
    assert not SyncFailure.objects.open().exists()


JOURNEYS: dict[Callable[[Person], None], int] = {
    whom_to_call_first: 2,  # the second is for WhatsApp
    the_whole_story: 1,
    assign_five: 4,
    note_with_follow_up: 3,
    add_seven_unknown_people: 3,
    export_the_qualified_of_this_week: 3,
    a_key_and_the_first_message: 4,
    invite_a_colleague_into_one_workspace: 4,
    mend_what_keeps_a_lead_out_of_date: 2,
}
"""How many clicks each may take."""


@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.__name__)
def test_few_clicks_lead_there(journey: Callable[[Person], None], person: Person) -> None:
    journey(person)

    assert not person.scrolls_sideways
    assert 1 <= person.clicked <= JOURNEYS[journey]
