"""A conversation that waited for its workspace becomes one with the one that is there already."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from monitoring.models import SyncFailure
from sarah.addressing import adopt
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import (
    ContactFactory,
    SarahStateFactory,
    SyncFailureFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


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
        "extracted_data": {"name": "Budi", "goals": "ramai", "team_size": 5},
    }  # fmt: skip
    later = {
        "state": "qualifying", "lead_score": 20, "lead_temperature": "cold", "language": "id",
        "message_count": 1, "updated_at": NOON + HOUR, "created_at": NOON,
        "extracted_data": {"name": "Pak Budi", "goals": "", "location": "Bandung"},
        "last_message_at": NOON,
    }  # fmt: skip
    first, second = (later, earlier) if home_is_later else (earlier, later)
    home, guest = at_home(**first), waiting(**second)

    survivor = adopted(guest, home)

    assert (survivor.pk, survivor.workspace.slug) == (home.pk, "default")
    told = {name: later[name] for name in later if name not in ("extracted_data", "created_at")}
    assert {name: getattr(survivor, name) for name in told} == told
    assert survivor.created_at == NOON - HOUR
    assert survivor.extracted_data == {
        "name": "Pak Budi", "goals": "ramai", "team_size": 5, "location": "Bandung",
    }  # fmt: skip
    assert survivor.revision == 8


def test_the_failures_of_both_belong_to_the_one_that_is_left():
    home, guest = at_home(), waiting()
    SyncFailureFactory(state=guest, kind="invalid_payload")

    survivor = adopted(home, guest)

    assert {failure.state for failure in SyncFailure.objects.all()} == {survivor}
    assert survivor.failures.count() == 3


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_a_key_of_one_workspace_does_not_reach_what_was_left_without_a_name(bot: Bot) -> None:
    kopi = WorkspaceFactory(slug="kopi-kita")
    bound = Bot("bound-bot", workspace=kopi)
    bot.post(lead_score=80)
    assert SarahState.objects.get().workspace is None

    bound.post(lead_score=30)

    assert SarahState.objects.get(workspace=kopi).lead_score == 30
    assert SarahState.objects.get(workspace=None).lead_score == 80


@pytest.mark.django_db(transaction=True)
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
