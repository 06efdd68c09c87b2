"""Which workspace a message belongs to, and what becomes of it while nobody can tell."""

import pytest

from contacts.models import Workspace
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db(transaction=True)

SYNCED = {"success": True, "sync": True}


def not_synced(reason: str) -> dict:
    return {"success": True, "sync": False, "syncReason": reason}


@pytest.fixture
def kopi() -> Workspace:
    return WorkspaceFactory(slug="kopi-kita", kapso_phone_number_id="106540352242922")


def home_of_the_only_state() -> tuple[str | None, str]:
    state = SarahState.objects.get()
    return state.workspace and state.workspace.slug, state.workspace_ref


@pytest.mark.parametrize("ref", ["kopi-kita", "106540352242922", 106540352242922])
def test_the_workspace_that_is_named_comes_first(bot: Bot, kopi: Workspace, ref: object) -> None:
    ContactFactory(phone=PHONE)
    lead = ContactFactory(phone=PHONE, workspace=kopi)

    assert bot.post(workspace_id=ref, lead_score=70).json() == SYNCED

    assert home_of_the_only_state() == ("kopi-kita", "")
    lead.refresh_from_db()
    assert lead.lead_score == 70


def test_a_slug_comes_before_the_kapso_id_of_another_workspace(bot: Bot) -> None:
    WorkspaceFactory(slug="a", kapso_phone_number_id="b")
    WorkspaceFactory(slug="b")

    bot.post(workspace_id="b")

    assert home_of_the_only_state() == ("b", "")


def test_then_the_workspace_of_the_key(kopi: Workspace) -> None:
    bound = Bot("bound-bot", workspace=kopi)
    ContactFactory(phone=PHONE)
    ContactFactory(phone=PHONE, workspace=kopi)

    for fields in ({}, {"workspace_id": "kopi-kita"}, {"workspace_id": "106540352242922"}):
        assert bound.post(**fields).json() == SYNCED

    assert home_of_the_only_state() == ("kopi-kita", "")


def test_then_the_only_workspace_there_is(bot: Bot) -> None:
    assert bot.post().json() == not_synced("contact_not_found")

    assert home_of_the_only_state() == ("default", "")


def test_then_the_workspace_where_the_phone_is_a_lead(bot: Bot, kopi: Workspace) -> None:
    ContactFactory(phone=PHONE, workspace=kopi)

    assert bot.post().json() == SYNCED

    assert home_of_the_only_state() == ("kopi-kita", "")


@pytest.mark.parametrize(
    ("ref", "leads_in", "reason"),
    [
        ("nowhere", [], "workspace_not_found"),
        ("nowhere", ["default"], "workspace_not_found"),
        ("", [], "contact_not_found"),
        ("", ["default", "kopi-kita"], "ambiguous_contact"),
    ],
)
def test_else_the_message_is_saved_without_a_workspace_and_the_reason_is_recorded(
    bot: Bot, kopi: Workspace, ref: str, leads_in: list[str], reason: str
) -> None:
    for slug in leads_in:
        ContactFactory(phone=PHONE, workspace=Workspace.objects.get(slug=slug))

    answers = [bot.post(workspace_id=ref, message_count=count).json() for count in (1, 2)]

    assert answers == [not_synced(reason)] * 2
    assert home_of_the_only_state() == (None, ref)
    failure = SyncFailure.objects.get()
    assert (failure.kind, failure.workspace_ref, failure.contact_phone) == (reason, ref, PHONE)
    assert (failure.occurrences, failure.state) == (2, SarahState.objects.get())
    assert failure.payload["message_count"] == 2
    assert SarahState.objects.get().next_sync_at is None  # healing is not a matter of time


def test_the_same_phone_is_another_lead_in_another_workspace(bot: Bot, kopi: Workspace) -> None:
    here, there = ContactFactory(phone=PHONE), ContactFactory(phone=PHONE, workspace=kopi)

    bot.post(workspace_id="default", lead_score=10)
    bot.post(workspace_id="kopi-kita", lead_score=90)

    here.refresh_from_db()
    there.refresh_from_db()
    assert (here.lead_score, there.lead_score) == (10, 90)


@pytest.mark.parametrize("way", ["named", "key", "only"])
def test_a_national_number_is_read_in_the_region_of_the_workspace(way: str) -> None:
    WorkspaceFactory(slug="kl", region="MY")
    if way == "only":
        Workspace.objects.exclude(slug="kl").delete()
    bound = Bot(workspace=Workspace.objects.get(slug="kl") if way == "key" else None)
    named = {"workspace_id": "kl"} if way == "named" else {}

    bound.post("012-345 6789", **named, message_count=4)

    assert SarahState.objects.get().contact_phone == "+60123456789"
    assert bound.get("0123456789", **named).json()["message_count"] == 4


def test_while_no_workspace_is_known_a_national_number_is_indonesian(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug="kl", region="MY"))

    assert bot.post("0812-3456-7890").json() == SYNCED
    assert bot.get("0812-3456-7890").json()["contact_phone"] == PHONE

    assert SarahState.objects.get().contact == lead
