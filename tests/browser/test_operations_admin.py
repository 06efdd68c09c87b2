"""What an operator does all day, in a browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from contacts.models import Contact
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.factories import (
    CauseFactory,
    SarahStateFactory,
    SyncFailureFactory,
    UserFactory,
    unseen_lead,
)
from tests.staff import sign_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator(page: Page, live_server: Any) -> Iterator[Page]:
    """The dashboard as an operator sees it. No page may report an error."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    sign_in(page, live_server.url, UserFactory(group="Operators", password="!"))
    page.goto(f"{live_server.url}/admin/")
    yield page
    assert errors == []


def test_an_operator_goes_from_the_dashboard_to_a_failure_and_resolves_it(operator: Page) -> None:
    failure = SyncFailureFactory(error="<script>alert(1)</script>{{7*7}}")
    other = SyncFailureFactory()
    operator.goto(operator.url)  # a reload sometimes finds no active page

    operator.get_by_role("link", name="Sync error").click()
    operator.get_by_role("link", name=failure.contact_phone).click()
    expect(operator.get_by_text("<script>alert(1)</script>{{7*7}}").first).to_be_visible()
    operator.get_by_role("button", name="Mark resolved").first.click()
    dialog = operator.get_by_role("dialog")
    dialog.get_by_label("Note").fill("Nobody we know.")
    dialog.get_by_role("button", name="Mark resolved").click()

    expect(operator.get_by_text("1 failure marked resolved.")).to_be_visible()
    expect(operator.get_by_text("Nobody we know.")).to_be_visible()
    assert list(SyncFailure.objects.open()) == [other]


def test_an_operator_resolves_several_failures_at_once(operator: Page) -> None:
    SyncFailureFactory.create_batch(2)
    operator.get_by_role("link", name="Sync failures").click()

    expect(operator.locator("input.action-select")).to_have_count(2)
    operator.locator("input.action-select").nth(0).check()
    operator.locator("input.action-select").nth(1).check()
    operator.get_by_role("button", name="Mark resolved").click()
    operator.get_by_label("Note").fill("Cleaned up.")
    operator.get_by_role("button", name="Mark resolved").click()

    expect(operator.get_by_text("2 failures marked resolved.")).to_be_visible()
    assert not SyncFailure.objects.open().exists()


def test_an_operator_retries_a_conversation(operator: Page) -> None:
    state = SarahStateFactory(extracted_data={"name": "Budi"})
    unseen_lead(state)

    operator.get_by_role("link", name="Conversations with Sarah").first.click()
    operator.get_by_role("link", name=state.contact_phone).click()
    operator.locator(".ls-banner").get_by_role("button", name="Retry").click()
    operator.get_by_role("dialog").get_by_role("button", name="Retry").click()

    expect(operator.get_by_text("1 conversation is in sync now.")).to_be_visible()
    expect(operator.get_by_role("link", name="Budi")).to_be_visible()
    assert SarahState.objects.synced().count() == 1


def test_an_operator_ends_a_cause_with_hundreds_of_failures(operator: Page) -> None:
    cause = CauseFactory(exception="ValueError", function="sarah.sync.sync")
    SyncFailure.objects.bulk_create(SyncFailureFactory.build_batch(220, group=cause))
    new = SyncFailureFactory(kind="contact_not_found")

    operator.get_by_role("link", name="Causes of failures").click()
    operator.get_by_role("link", name="ValueError").click()
    operator.get_by_role("link", name="As a list").click()
    operator.locator("#action-toggle").check()
    operator.get_by_label("All 220 found").check()
    operator.get_by_role("button", name="Mark resolved").click()
    expect(operator.locator(".ls-count", has_text="220")).to_be_visible()
    operator.get_by_label("Note").fill("Mended.")
    operator.get_by_role("button", name="Mark resolved").click()

    expect(operator.get_by_text("220 failures marked resolved.")).to_be_visible()
    assert list(SyncFailure.objects.open()) == [new]


def test_an_operator_adds_those_whom_they_tick_of_a_cause(operator: Page) -> None:
    SarahStateFactory.create_batch(3, lead_score=60, extracted_data={"business_type": "cafe"})

    operator.get_by_role("link", name="Causes of failures").first.click()
    operator.get_by_role("link", name="People who are no leads yet").click()
    operator.get_by_role("checkbox", name="Tick all").uncheck()
    expect(operator.get_by_role("button", name="Add these 0 people")).to_be_disabled()
    operator.get_by_role("checkbox", name="Tick all").check()
    operator.get_by_role("button", name="Add these 3 people").click()

    expect(operator.get_by_text("3 people are leads now.")).to_be_visible()
    expect(operator.get_by_text("Nobody any more: it is over.")).to_be_visible()
    assert set(Contact.objects.values_list("business_type", "lead_score")) == {("cafe", 60)}
