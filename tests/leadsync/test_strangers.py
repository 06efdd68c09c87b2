"""Strangers on the dashboard: people who wrote to Sarah and are no leads yet."""

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from contacts.models import Contact, Workspace
from leadsync.dashboard.strangers import strangers
from monitoring.models import Heartbeat, SyncFailure
from sarah.models import SarahState
from sarah.resolve import resolve_failures
from tests.bot import Bot
from tests.factories import ContactFactory, SarahStateFactory, UserFactory, WorkspaceFactory
from tests.staff import Staff, messages_of, queries_of

pytestmark = pytest.mark.django_db


def write(count: int, *, workspace: str | None = "default", **fields: Any) -> list[SarahState]:
    """So many people who are no leads write to Sarah."""
    home = WorkspaceFactory(slug=workspace) if workspace else None
    return SarahStateFactory.create_batch(count, workspace=home, **fields)


def press(staff: Staff, button: str) -> Any:
    """Press this button of the first line."""
    page = staff.sees("index")
    (address,) = re.findall(rf'action="([^"]+/{button}/)"', page)
    return staff.client.post(address, follow=True)


def test_the_dashboard_tells_how_many_they_are_and_alarms_nobody() -> None:
    write(2)
    staff = Staff("Sales")

    page = staff.client.get("/admin/")

    (line,) = page.context["board"]["strangers"]
    assert line.sentence == "2 people wrote to Sarah who are no leads yet"
    assert not any(number.is_alarming for number in page.context["board"]["todo"])
    assert staff.client.get(line.url).context["cl"].result_count == 2


def test_each_workspace_has_a_line_and_those_of_none_have_no_button() -> None:
    write(2, workspace="bandung")
    write(1, workspace="jakarta")
    write(3, workspace=None)

    assert [line.sentence for line in strangers(UserFactory(is_superuser=True))] == [
        "3 people wrote to Sarah who are no leads yet, and the bot did not say in which workspace",
        "2 people wrote to Sarah who are no leads yet: Bandung",
        "1 person wrote to Sarah who is no lead yet: Jakarta",
    ]
    assert Staff("Operators").sees("index").count("Always add them") == 2


def test_all_of_them_are_added_with_what_sarah_knows() -> None:
    write(2, lead_score=80, extracted_data={"business_type": "cafe", "name": "Budi"})
    write(1, workspace="elsewhere")
    staff = Staff("Sales")
    address = f"/admin/strangers/{Workspace.objects.get(slug='default').pk}/add/"

    answer = staff.client.post(address, follow=True)

    told = ["2 people are leads now.", "2 conversations are in sync now."]
    assert messages_of(answer) == told
    leads = Contact.objects.filter(workspace__slug="default")
    assert set(leads.values_list("name", "business_type", "lead_score")) == {("Budi", "cafe", 80)}
    assert not SyncFailure.objects.open().filter(workspace_ref="default").exists()
    failure = SyncFailure.objects.filter(workspace_ref="default").first()
    assert failure.resolved_by == staff.user.username
    assert not Contact.objects.filter(workspace__slug="elsewhere").exists()


def test_of_many_the_rest_is_due_for_the_worker(monkeypatch) -> None:
    monkeypatch.setattr("sarah.retry.AT_ONCE", 1)
    write(3)
    Heartbeat.objects.beat("a worker")

    answer = press(Staff("Sales"), "add")

    assert messages_of(answer) == [
        "3 people are leads now.",
        "1 conversation is in sync now.",
        "2 more are due now, for the worker.",
    ]
    assert Contact.objects.count() == 3
    assert SarahState.objects.due().count() == 2


def test_whom_a_person_turned_down_is_not_added_unless_they_write_again() -> None:
    (state,) = write(1)
    resolve_failures(SyncFailure.objects.all(), by="ani")
    assert strangers(UserFactory(is_superuser=True)) == []

    state.updated_at = timezone.now()
    state.save()

    assert [line.count for line in strangers(UserFactory(is_superuser=True))] == [1]


def test_always_adding_them_switches_that_on_and_adds_those_who_wrote(bot: Bot) -> None:
    bot.post("+6281234567890")
    staff = Staff("Operators")

    answer = press(staff, "add-always")
    bot.post("+6281234567891")

    assert messages_of(answer) == [
        "From now on, whoever writes to Sarah in Default becomes a lead."
    ]
    assert Contact.objects.count() == 2
    assert LogEntry.objects.get().user == staff.user
    assert "Always add them" not in staff.sees("index")


@pytest.mark.parametrize("button", ["add", "add-always"])
@pytest.mark.parametrize("who", ["nobody", "unauthorised", "get", "without a token"])
def test_nothing_is_added_without_permission_and_a_token(button: str, who: str) -> None:
    (state,) = write(1)
    address = f"/admin/strangers/{state.workspace_id}/{button}/"
    operator, stranger = Staff("Operators"), Staff()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator.user)
    expected = {
        "nobody": (lambda: Client().post(address), 302),
        "unauthorised": (lambda: stranger.client.post(address), 403),
        "get": (lambda: operator.client.get(address), 405),
        "without a token": (lambda: strict.post(address), 403),
    }
    ask, status = expected[who]

    assert ask().status_code == status
    assert not Contact.objects.exists()
    assert not Workspace.objects.filter(creates_contacts=True).exists()


def test_sales_may_add_them_but_not_always() -> None:
    write(1)

    page = Staff("Sales").sees("index")

    assert "Add them all" in page
    assert "Always add them" not in page


def test_the_line_costs_the_same_for_many() -> None:
    staff = Staff("Operators")
    write(1)
    few = queries_of(staff.client, "/admin/")
    write(5)
    ContactFactory()

    assert queries_of(staff.client, "/admin/") == few
