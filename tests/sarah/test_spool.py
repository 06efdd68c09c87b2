"""What the database cannot take is stored on this machine's disk, and comes in by itself, once."""

import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import time_machine
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from contacts.models import Contact
from leadsync.bots import revoke_keys
from leadsync.infra import spool
from monitoring.models import Heartbeat, RefusedBody, SyncFailure
from sarah.api import spooling
from sarah.api.spooling import drain
from sarah.merge import merge
from sarah.models import SarahState, StateUpdate
from sarah.receive import ConversationLocked, receive
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, WorkspaceFactory
from tests.faults import (
    CONVERSATIONS,
    NEWS,
    STORED,
    assert_discreet,
    database_away,
    locked,
    postgresql,
    refusing,
    told,
)

pytestmark = pytest.mark.django_db(transaction=True)

REFUSED_FOR_NOW = (
    503,
    {
        "error": "The database cannot be reached right now. Send the request again.",
        "code": "database_unavailable",
    },
)
OTHER = "+6281234567891"


@pytest.fixture
def bot(bot: Bot) -> Bot:
    """A bot that has used its key a moment ago."""
    bot.get()
    return bot


@pytest.fixture
def lead() -> Contact:
    return ContactFactory(phone=PHONE)


@pytest.fixture
def no_spool(settings: Any, tmp_path: Path) -> Iterator[Any]:
    """A disk that takes nothing; call it to repair it."""
    settings.LEADSYNC_SPOOL_DIR = tmp_path / "file" / "spool"
    (tmp_path / "file").write_text("not a folder")
    return (tmp_path / "file").unlink


def a_pause_later() -> None:
    spooling._paused_until.clear()


# Storing, and coming in


def test_a_message_while_the_database_is_away_is_stored_and_reaches_its_lead_afterwards(
    bot: Bot, lead: Contact, caplog: pytest.LogCaptureFixture
) -> None:
    sent_at = timezone.now()
    with database_away():
        read, posted = bot.get(), bot.post(**NEWS)

    assert told(read) == REFUSED_FOR_NOW
    assert told(posted) == STORED
    assert_discreet(caplog.text)
    assert not SarahState.objects.exists()

    with time_machine.travel(sent_at + timedelta(minutes=2), tick=True):
        assert drain() == 1

    lead.refresh_from_db()
    assert (lead.name, lead.lead_score, lead.lead_status) == ("Budi Santoso", 80, "contacted")
    entry = StateUpdate.objects.get()
    assert entry.received_at - sent_at < timedelta(seconds=20)
    assert entry.key.user.username == "sarah-bot"
    assert entry.request_id == posted["X-Request-ID"]
    assert SarahState.objects.get().updated_at == entry.received_at
    assert spool.contents() == spool.Contents()
    assert drain() == 0


def test_an_unusable_field_of_a_stored_message_is_told_at_once_and_recorded_later(
    bot: Bot, lead: Contact
) -> None:
    with database_away():
        answer = bot.post(lead_score="high", state="handoff")

    assert "lead_score" in answer.json()["warnings"]
    drain()
    assert SyncFailure.objects.get().kind == "invalid_payload"


def test_stored_messages_come_in_in_the_order_of_their_arrival(bot: Bot, lead: Contact) -> None:
    with database_away():
        for count in range(1, 6):
            bot.post(message_count=count, extracted_data={"goals": f"goal {count}"})
            bot.post(OTHER, message_count=count)

    assert drain() == 10

    state = SarahState.objects.get(contact_phone=PHONE)
    assert (state.revision, state.message_count) == (5, 5)
    lead.refresh_from_db()
    assert lead.goals == "goal 5"


def test_a_stored_message_that_a_later_one_has_overtaken_counts_as_late(
    bot: Bot, lead: Contact
) -> None:
    with database_away():
        bot.post(**NEWS | {"message_count": 9})
    bot.post(state="qualifying", lead_score=30, message_count=5, extracted_data={"goals": "sell"})
    spoken_at = SarahState.objects.get().updated_at

    drain()

    state = SarahState.objects.get()
    assert (state.lead_score, state.message_count, state.state) == (30, 5, "handoff")
    assert state.extracted_data == NEWS["extracted_data"] | {"goals": "sell"}
    assert state.updated_at == spoken_at


def test_a_message_whose_removal_was_killed_comes_in_once(bot: Bot, lead: Contact) -> None:
    with database_away():
        bot.post(**NEWS)

    with (
        patch("sarah.api.spooling.spool.remove", side_effect=SystemExit),
        pytest.raises(SystemExit),
    ):
        drain()
    assert drain() == 1

    assert SarahState.objects.get().revision == StateUpdate.objects.count() == 1


@postgresql
def test_one_locked_conversation_holds_up_no_other_person(bot: Bot, lead: Contact) -> None:
    bot.post(message_count=1)
    with database_away():
        for phone, count in ((PHONE, 2), (OTHER, 1), (PHONE, 3)):
            bot.post(phone, message_count=count)

    with locked(f"SELECT 1 FROM {CONVERSATIONS} FOR UPDATE"):
        assert drain() == 1

    assert drain() == 2
    assert SarahState.objects.get(contact_phone=PHONE).message_count == 3


def test_one_process_drains_at_a_time(bot: Bot, lead: Contact) -> None:
    with database_away():
        bot.post(**NEWS)

    with spool.only_drainer() as is_mine:
        assert is_mine
        assert drain() == 0
    assert drain() == 1


def test_a_table_that_refuses_everything_for_a_while_costs_no_message(
    bot: Bot, lead: Contact
) -> None:
    with database_away():
        bot.post(**NEWS)

    with refusing(CONVERSATIONS):
        assert drain() == 0
    assert drain() == 0  # a second later at the earliest
    a_pause_later()
    assert drain() == 1
    assert SarahState.objects.get().lead_score == 80


@pytest.mark.parametrize(("minutes", "status"), [(4, "qualified"), (6, "contacted")])
def test_a_person_who_moved_the_lead_shortly_before_a_stored_message_wins(
    bot: Bot, lead: Contact, minutes: int, status: str
) -> None:
    lead.change_status("qualified", by="ani")
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True):
        with database_away():
            bot.post(**NEWS)
        drain()
        call_command("reconcile")

    lead.refresh_from_db()
    assert (lead.lead_status, lead.lead_score) == (status, 80)


def test_an_overtaken_stored_message_moves_no_lead_that_a_person_moved_since(
    bot: Bot, lead: Contact
) -> None:
    bot.post(state="handoff", message_count=3)
    with database_away():
        bot.post(state="completed", message_count=4)
    lead.change_status("qualified", by="ani")
    with time_machine.travel(timezone.now() + timedelta(minutes=9), tick=True):
        bot.post(state="qualifying", message_count=5)
        drain()
        call_command("reconcile")

        lead.refresh_from_db()
        assert (SarahState.objects.get().state, lead.lead_status) == ("completed", "qualified")
        bot.post(state="completed", message_count=6)

    lead.refresh_from_db()
    assert lead.lead_status == "converted"


def test_spellings_of_one_phone_are_one_person_to_the_spool(bot: Bot, lead: Contact) -> None:
    bot.post(message_count=1)
    with database_away():
        bot.post("081234567890", message_count=2)
        bot.post("+62 812-3456-7890", message_count=3)
    real, fails = receive, iter([ConversationLocked()])

    def locked_at_first(arrival: Any) -> Any:
        for error in fails:
            raise error from LockNotAvailable()
        return real(arrival)

    with patch("sarah.api.spooling.receive", locked_at_first):
        assert [drain(), drain()] == [0, 2]
    assert SarahState.objects.get().message_count == 3


def test_a_clock_that_is_set_back_keeps_no_message(bot: Bot, lead: Contact) -> None:
    with database_away():
        bot.post(**NEWS)

    with time_machine.travel(timezone.now() - timedelta(hours=1), tick=True):
        assert drain() == 1


def test_nothing_of_a_message_is_left_in_the_spool(bot: Bot, lead: Contact, settings: Any) -> None:
    with database_away():
        bot.post(**NEWS)
        bot.post(**NEWS)
    drain()

    for path in settings.LEADSYNC_SPOOL_DIR.iterdir():
        assert b"Budi Santoso" not in path.read_bytes()


def test_what_is_refused_while_the_database_is_away_is_recorded_later(bot: Bot) -> None:
    with database_away():
        answers = [bot.send('{"state": "handoff"}'), bot.send("no JSON")]
    assert [answer.status_code for answer in answers] == [400, 400]

    assert drain() == 2

    bodies = RefusedBody.objects.order_by("pk").values_list("body", flat=True)
    assert [bytes(body) for body in bodies] == [b'{"state": "handoff"}', b"no JSON"]


def test_a_stored_message_does_not_bring_back_who_was_erased_since(bot: Bot, lead: Contact) -> None:
    with database_away():
        bot.post(**NEWS)
    call_command("erase_person", PHONE, "--no-input")

    assert drain() == 1

    assert not SarahState.objects.exists()
    assert told(bot.post(**NEWS))[1]["syncReason"] == "contact_not_found"


def test_a_server_takes_the_room_on_its_disk_as_soon_as_it_runs(settings: Any) -> None:
    killed = patch("sarah.api.spooling.drain", side_effect=SystemExit)
    with killed, pytest.raises(SystemExit):
        spooling._keep_draining()

    assert (settings.LEADSYNC_SPOOL_DIR / "messages.sqlite3").stat().st_size > 16_000_000


# Who is told


def test_probes_and_metrics_tell_of_the_spool(bot: Bot, lead: Contact, settings: Any) -> None:
    settings.LEADSYNC_METRICS_OPEN = True
    Heartbeat.objects.beat("host:1")
    with database_away():
        bot.post(**NEWS)
        broken = bot.client.get("/readyz")
    cache.clear()
    degraded, metrics = bot.client.get("/readyz"), bot.client.get("/metrics").text
    drain()
    cache.clear()
    fine = bot.client.get("/readyz")

    assert (broken.status_code, broken.json()["problems"]) == (503, ["messages_stored"])
    assert degraded.json() == {"status": "degraded", "problems": ["messages_stored"]}
    assert "\nleadsync_messages_stored 1.0\n" in metrics
    assert fine.json() == {"status": "ok"}


def test_probes_tell_of_a_damaged_spool(db: None, client: Client, settings: Any) -> None:
    Heartbeat.objects.beat("host:1")
    settings.LEADSYNC_SPOOL_DIR.mkdir()
    (settings.LEADSYNC_SPOOL_DIR / "messages.sqlite3").write_text("not a database" * 1000)

    assert client.get("/readyz").json()["problems"] == ["spool_unusable"]


# Who may store


def test_a_key_that_was_not_used_within_ten_minutes_stores_nothing(bot: Bot) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=11)), database_away():
        answer = bot.post(**NEWS)

    assert told(answer) == REFUSED_FOR_NOW
    assert spool.contents().waiting == 0


@pytest.mark.parametrize(
    ("role", "key", "status"),
    [("manager", None, 503), ("sarah", "ls_junk", 503)],
    ids=["a key that may not write", "no key"],
)
def test_who_may_not_write_stores_nothing(
    transactional_db: None, role: str, key: str | None, status: int
) -> None:
    bot = Bot(role=role)
    bot.client.get("/api/v1/leads/")
    if key:
        bot.client = type(bot.client)(headers={"Authorization": f"Bearer {key}"})

    with database_away():
        answer = bot.post(**NEWS)

    assert answer.status_code in (401, status)
    assert spool.contents().waiting == 0


def test_a_message_of_a_key_revoked_meanwhile_is_refused_and_recorded(bot: Bot) -> None:
    with database_away():
        bot.post(**NEWS)
    revoke_keys("sarah-bot")

    assert drain() == 1

    assert not SarahState.objects.exists()
    failure = SyncFailure.objects.get()
    assert failure.kind == "rejected_payload"
    assert "Budi Santoso" in failure.payload["body"]


@pytest.mark.parametrize("field", [{"contact_phone": "0812"}, {"workspace_id": "elsewhere"}])
def test_a_stored_message_without_an_address_is_set_aside_as_a_refused_body(
    transactional_db: None, field: dict[str, str]
) -> None:
    bot = Bot(workspace=WorkspaceFactory())
    bot.get()
    with database_away():
        assert told(bot.post(**NEWS | field) if "workspace_id" in field else bot.post("0812")) == (
            STORED
        )

    assert drain() == 1

    assert SyncFailure.objects.get().kind == "rejected_payload"
    assert not SarahState.objects.exists()


def test_a_stored_message_that_breaks_our_code_is_set_aside_and_stops_no_other(
    bot: Bot, lead: Contact
) -> None:
    with database_away():
        bot.post(OTHER, **NEWS)
        bot.post(**NEWS)

    def merge_unless_other(state: SarahState, *args: Any, **kwargs: Any) -> Any:
        if state.contact_phone == OTHER:
            raise RuntimeError("a bug")
        return merge(state, *args, **kwargs)

    taken = []
    with patch("sarah.receive.merge", merge_unless_other):
        for _attempt in range(10):
            taken.append(drain())
            a_pause_later()

    assert taken == [1, *[0] * 8, 1]
    assert SyncFailure.objects.get().kind == "rejected_payload"
    assert SarahState.objects.get().contact_phone == PHONE


# Neither here nor there


def test_messages_that_nothing_could_take_are_503_counted_and_told_of(
    bot: Bot, lead: Contact, no_spool: Any
) -> None:
    with database_away():
        answers = [bot.post(**NEWS), bot.post(**NEWS)]
        no_spool()
        answers.append(bot.post(**NEWS))
    drain()

    assert [told(answer) for answer in answers] == [REFUSED_FOR_NOW, REFUSED_FOR_NOW, STORED]
    failure = SyncFailure.objects.get()
    assert failure.error.startswith("2 messages were answered 503 between ")
    drain()
    assert SyncFailure.objects.count() == 1


def test_a_full_spool_refuses_and_still_counts(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "SIZE", 60 * spool.PAGE)
    bot = Bot()
    bot.get()
    bodies = {"notes": "x" * 60_000}
    with database_away():
        statuses = [bot.post(extracted_data=bodies).status_code for _message in range(5)]

    assert set(statuses) == {200, 503}
    assert spool.contents().refusals.count == statuses.count(503)


def test_the_spool_is_private_and_its_room_is_taken_beforehand(settings: Any) -> None:
    spool.prepare()

    folder = settings.LEADSYNC_SPOOL_DIR
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    taken = sum(path.stat().st_blocks for path in folder.iterdir()) * 512
    assert taken > 16 * 1024 * 1024
