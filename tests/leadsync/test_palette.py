"""The command palette finds leads, pages and actions, and the sidebar's badges stay fresh."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from contacts.models import FollowUp
from tests.factories import ContactFactory, SyncFailureFactory, WorkspaceFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db

PALETTE, BADGES, HOME = "/admin/palette/", "/admin/live/", "/admin/live/home/"
FAILURES = "/admin/monitoring/syncfailure/"


def found(staff: Staff, typed: str) -> dict[str, list[str]]:
    groups = staff.client.get(PALETTE, {"q": typed}).context["groups"]
    return {str(title): [str(one.title) for one in some] for title, some in groups}


@pytest.mark.parametrize("typed", ["budi", "0812-3456", "+62 812 3456 7890", "kopi"])
def test_leads_are_found_by_name_phone_and_business(typed: str) -> None:
    ContactFactory(name="Budi", phone="+6281234567890", business_type="Kedai kopi")
    ContactFactory(name="Ani", phone="+6289876543210")

    assert found(Staff("Sales"), typed)["Leads"] == ["Budi"]


def test_nobody_finds_leads_of_a_workspace_that_is_not_theirs_nor_pages_they_may_not_open() -> None:
    dewi = Staff("Sales", workspaces=[WorkspaceFactory(slug="here", members=[])])
    ContactFactory(name="Budi", workspace=WorkspaceFactory(slug="there", members=[]))

    assert found(dewi, "budi") == {}
    assert "Users" not in found(dewi, "")["Pages"]
    assert "Users" in found(Staff(is_superuser=True), "users")["Pages"]


def test_pages_and_actions_are_found_by_a_part_of_their_name() -> None:
    dewi = Staff("Sales")

    assert found(dewi, "home") == {"Pages": ["Home"]}
    assert found(dewi, "board") == {"Actions": ["Board of the pipeline"]}
    assert found(dewi, "<script>") == {}
    assert "<script>alert" not in dewi.client.get(PALETTE, {"q": "<script>alert"}).content.decode()


def test_the_home_page_is_made_once_for_many_windows_and_told_only_if_it_changes(
    django_assert_num_queries,
) -> None:
    dewi = Staff("Sales")
    first = dewi.client.get(HOME)
    same = {"If-None-Match": first["ETag"]}

    with django_assert_num_queries(2):  # who asks
        assert dewi.client.get(HOME, headers=same).status_code == 304
    step = ContactFactory(name="Budi")
    FollowUp.objects.plan(step, text="Send the offer", due_at=timezone.now(), by="dewi")
    cache.clear()
    news = dewi.client.get(HOME, headers=same)

    assert "Send the offer" in news.content.decode()
    assert 'id="home-now"' in news.content.decode()


def test_badges_are_told_again_only_when_they_change() -> None:
    staff = Staff("Operators")
    first = staff.client.get(BADGES)
    same = {"If-None-Match": first["ETag"]}
    assert first.json()[FAILURES] == ""
    assert staff.client.get(BADGES, headers=same).status_code == 304

    SyncFailureFactory()
    cache.clear()
    news = staff.client.get(BADGES, headers=same)

    assert news.json()[FAILURES] == "1"
