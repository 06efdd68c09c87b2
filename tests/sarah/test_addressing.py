"""Where a message belongs: which workspace, and what becomes of what waited for it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from contacts.models import Contact, Workspace
from monitoring.models import SyncFailure
from sarah.addressing import adopt
from sarah.models import SarahState
from tests.bot import PHONE, SYNCED, Bot, not_synced
from tests.factories import (
    ContactFactory,
    SarahStateFactory,
    SyncFailureFactory,
    WorkspaceFactory,
    fail_sync,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def kopi() -> Workspace:
    return WorkspaceFactory(slug="kopi-kita", kapso_phone_number_id="106540352242922")


def home_of_the_only_state() -> tuple[str | None, str]:
    state = SarahState.objects.get()
    return state.workspace and state.workspace.slug, state.workspace_ref


@pytest.mark.parametrize(
    ("ref", "bound", "leads_in", "home"),
    [
        ("kopi-kita", False, ["default", "kopi-kita"], "kopi-kita"),
        ("106540352242922", False, ["default", "kopi-kita"], "kopi-kita"),
        (106540352242922, False, ["default", "kopi-kita"], "kopi-kita"),
        ("both", False, ["both"], "both"),
        ("", True, ["default", "kopi-kita"], "kopi-kita"),
        ("kopi-kita", True, ["default", "kopi-kita"], "kopi-kita"),
        ("106540352242922", True, ["default", "kopi-kita"], "kopi-kita"),
        ("", False, ["kopi-kita"], "kopi-kita"),
    ],
)
def test_a_workspace_is_named_or_else_the_keys_or_else_the_one_where_the_phone_is_a_lead(
    kopi: Workspace, ref: object, bound: bool, leads_in: list[str], home: str
) -> None:
    WorkspaceFactory(slug="other", kapso_phone_number_id="both")
    WorkspaceFactory(slug="both")  # a slug comes before a Kapso id
    for slug in leads_in:
        ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug=slug))

    answer = Bot(workspace=kopi if bound else None).post(workspace_id=ref, lead_score=70)

    assert answer.json() == SYNCED
    assert home_of_the_only_state() == (home, "")
    assert Contact.objects.get(lead_score=70).workspace.slug == home


def test_the_only_workspace_there_is_needs_no_name(bot: Bot) -> None:
    assert bot.post().json() == not_synced("contact_not_found")

    assert home_of_the_only_state() == ("default", "")
    assert SyncFailure.objects.get().workspace_ref == "default"


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
        ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug=slug))

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


# Conversations that waited for their workspace


def at_home(**fields: object) -> SarahState:
    return SarahStateFactory(contact_phone=PHONE, **fields)


def waiting(**fields: object) -> SarahState:
    return SarahStateFactory(contact_phone=PHONE, workspace=None, workspace_ref="soon", **fields)


def adopted(*states: SarahState) -> SarahState:
    with transaction.atomic():
        survivor = adopt(states, WorkspaceFactory())
    assert SarahState.objects.get() == survivor
    survivor.refresh_from_db()
    return survivor


def test_a_conversation_alone_moves_in_as_it_is():
    state = waiting(message_count=3, extracted_data={"name": "Budi"})

    home = adopted(state)

    assert (home.pk, home.workspace.slug, home.workspace_ref) == (state.pk, "default", "")
    assert (home.message_count, home.extracted_data) == (3, {"name": "Budi"})


def test_a_conversation_whose_workspace_is_still_unknown_stays_as_it_is():
    state = waiting(message_count=3)

    with transaction.atomic():
        assert adopt([state], None) == state

    state.refresh_from_db()
    assert (state.workspace, state.workspace_ref) == (None, "soon")


@pytest.mark.parametrize("home_is_later", [True, False])
def test_of_two_the_later_word_wins_and_fills_up_with_the_earlier_one(home_is_later):
    earlier = {
        "state": "handoff", "lead_score": 80, "lead_temperature": "hot", "language": "en",
        "message_count": 9, "updated_at": NOON, "created_at": NOON - HOUR, "revision": 7,
        "extracted_data": {"name": "Budi", "goals": "ramai"}, "last_message_at": None,
    }  # fmt: skip
    later = {
        "state": "qualifying", "lead_score": 20, "lead_temperature": "cold", "language": "id",
        "message_count": 1, "updated_at": NOON + HOUR, "created_at": NOON, "revision": 2,
        "extracted_data": {"name": "Pak Budi", "goals": "", "story": "x"}, "last_message_at": NOON,
    }  # fmt: skip
    first, second = (later, earlier) if home_is_later else (earlier, later)
    guest, home = waiting(**second), at_home(**first)

    survivor = adopted(guest, home)

    assert (survivor.pk, survivor.workspace.slug) == (home.pk, "default")
    assert {name: getattr(survivor, name) for name in later} == later | {
        "created_at": NOON - HOUR,
        "extracted_data": {"name": "Pak Budi", "goals": "ramai", "story": "x"},
        "revision": 8,
    }


def test_the_failures_of_both_belong_to_the_one_that_is_left():
    home, guest = at_home(), waiting()
    SyncFailureFactory(state=guest, kind="invalid_payload")

    survivor = adopted(home, guest)

    assert {failure.state for failure in SyncFailure.objects.all()} == {survivor}
    assert survivor.failures.count() == 3


def test_what_failed_in_either_heals_with_the_one_that_is_left():
    lead = ContactFactory(phone=PHONE)
    home, guest = at_home(), fail_sync(waiting(), sync_attempts=3)

    survivor = adopted(home, guest)
    assert (survivor.sync_attempts, survivor.has_open_failures) == (3, True)
    survivor.save()

    assert (survivor.contact, survivor.failures.get().resolution) == (lead, "healed")


def test_a_message_takes_in_what_waited_for_its_workspace(bot: Bot) -> None:
    kopi = WorkspaceFactory(slug="kopi-kita")
    SarahStateFactory(
        contact_phone=PHONE, workspace=None, workspace_ref="kopi-kita",
        lead_score=30, message_count=1, extracted_data={"name": "Budi"},
    )  # fmt: skip
    assert bot.get(workspace_id="kopi-kita").json()["message_count"] == 1

    bot.post(workspace_id="kopi-kita", message_count=2)

    state = SarahState.objects.get()
    assert (state.workspace, state.workspace_ref) == (kopi, "")
    assert (state.lead_score, state.message_count) == (30, 2)
    assert state.extracted_data == {"name": "Budi"}


@pytest.mark.parametrize(
    ("told", "remembered"),
    [
        ({}, ("handoff", 80, "hot", "en", 4)),
        ({"lead_temperature": "cold", "language": "id"}, ("handoff", 80, "cold", "id", 4)),
        (
            {"state": "greeting", "lead_score": 0, "message_count": 5},
            ("greeting", 0, "hot", "en", 5),
        ),
    ],
    ids=["only facts", "a default", "more defaults"],
)
def test_a_message_without_a_workspace_says_only_what_it_told(
    bot: Bot, told: dict[str, object], remembered: tuple[object, ...]
) -> None:
    lead = ContactFactory(phone=PHONE)
    ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug="kopi-kita"))
    named = {"workspace_id": "default"}
    bot.post(
        **named, state="handoff", lead_score=80, lead_temperature="hot", language="en",
        message_count=4, last_message_at=NOON.isoformat(),
    )  # fmt: skip

    bot.post(**told, extracted_data={"goals": "grow"})
    bot.post(**named, extracted_data={"story": "long"})

    state = SarahState.objects.get()
    lead.refresh_from_db()
    assert remembered == (
        state.state, state.lead_score, state.lead_temperature, state.language, state.message_count
    )  # fmt: skip
    assert remembered[1:4] == (lead.lead_score, lead.lead_temperature, lead.language)
    assert (lead.goals, lead.story, state.last_message_at) == ("grow", "long", NOON)


def test_a_key_of_one_workspace_does_not_reach_what_was_left_without_a_name(bot: Bot) -> None:
    kopi = WorkspaceFactory(slug="kopi-kita")
    bound = Bot("bound-bot", workspace=kopi)
    bot.post(lead_score=80)
    assert SarahState.objects.get().workspace is None

    bound.post(lead_score=30)

    assert SarahState.objects.get(workspace=kopi).lead_score == 30
    assert SarahState.objects.get(workspace=None).lead_score == 80


def test_a_bot_that_starts_to_name_the_workspace_goes_on_where_it_was(bot: Bot) -> None:
    for slug in ("default", "kopi-kita"):
        ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug=slug))
    nameless = bot.post(extracted_data={"goals": "grow"}, message_count=4)
    assert nameless.json()["syncReason"] == "ambiguous_contact"

    answer = bot.post(workspace_id="kopi-kita", message_count=5)

    assert answer.json() == {"success": True, "sync": True}
    state = SarahState.objects.get()
    assert (state.workspace.slug, state.contact.goals) == ("kopi-kita", "grow")
    assert not SyncFailure.objects.open().exists()


def test_of_three_nothing_is_lost():
    states = [
        at_home(extracted_data={"goals": "grow"}, updated_at=NOON),
        waiting(extracted_data={"story": "long"}, updated_at=NOON - HOUR),
        SarahStateFactory(
            contact_phone=PHONE, workspace=None, extracted_data={"priority": "high"},
            updated_at=NOON + HOUR,
        ),
    ]  # fmt: skip

    home = adopted(*states)

    assert home.extracted_data == {"goals": "grow", "story": "long", "priority": "high"}
    assert home.updated_at == NOON + HOUR
