"""Response clocks: a lead that is handed over wants a person soon."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from contacts.models import Contact, Workspace
from contacts.models.clocks import answers_of
from sarah.takeover import take_over
from tests.bot import PHONE, Bot
from tests.callers import Caller
from tests.contacts.pages import moves
from tests.factories import ContactFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db(transaction=True)

AT_TEN = "2026-11-27T03:00:00Z"  # in Jakarta, on a Friday
LATE = "2026-11-27T09:55:00Z"
LEADS = "/api/v1/leads/"
HOT = {"state": "handoff", "lead_score": 80, "lead_temperature": "hot"}
WARM = {"state": "handoff", "lead_score": 50, "lead_temperature": "warm"}
COLD = {"state": "handoff", "lead_score": 10, "lead_temperature": "cold"}


@pytest.fixture
def dewi() -> Staff:
    return Staff("Sales", username="dewi")


@pytest.fixture
def lead() -> Contact:
    return ContactFactory(phone=PHONE)


@pytest.mark.parametrize(
    ("now", "said", "answer_by"),
    [
        (AT_TEN, HOT, "2026-11-27T03:15:00Z"),
        (AT_TEN, WARM, "2026-11-27T05:00:00Z"),
        (AT_TEN, COLD, None),
        (LATE, HOT, "2026-11-30T02:10:00Z"),
    ],
)
def test_a_lead_that_is_handed_over_is_to_be_answered_in_working_time(
    bot: Bot, lead: Contact, now: str, said: dict[str, object], answer_by: str | None
) -> None:
    caller = Caller("leads:read")
    with time_machine.travel(now, tick=False):
        bot.post(**said)
        told = caller.read(f"{LEADS}{lead.pk}/")

    assert (told["answer_by"], told["answered_at"]) == (answer_by, None)


def test_a_repeated_handoff_starts_no_clock_again(bot: Bot, lead: Contact) -> None:
    with time_machine.travel(AT_TEN, tick=False) as clock:
        bot.post(**HOT)
        clock.shift(60)
        bot.post(**HOT, message_count=9)
        bot.post(state="completed", message_count=10)

    lead.refresh_from_db()
    assert (lead.lead_status, lead.answered_at) == ("converted", None)
    assert lead.answer_by == datetime(2026, 11, 27, 3, 15, tzinfo=UTC)


def notes_a_call(dewi: Staff, lead: Contact) -> None:
    lead.notes.create(text="Called.", kind="call", author="dewi")


STOPS: dict[str, Callable[[Staff, Contact], object]] = {
    "confirms it in the list": lambda dewi, lead: dewi.runs("confirm_status", [lead]),
    "moves it": lambda dewi, lead: moves(dewi.client, lead, "qualified"),
    "notes a call": notes_a_call,
    "opens the chat": lambda dewi, lead: dewi.client.post(
        f"/admin/contacts/contact/{lead.pk}/chat/"
    ),
    "takes over": lambda dewi, lead: take_over(lead, by="dewi", reason="Mine."),
}


@pytest.mark.parametrize("stop", STOPS.values(), ids=STOPS)
def test_only_a_person_stops_the_clock(
    bot: Bot, dewi: Staff, lead: Contact, stop: Callable[[Staff, Contact], object]
) -> None:
    caller = Caller("leads:read")
    with time_machine.travel(AT_TEN, tick=False) as clock:
        bot.post(**HOT)
        clock.shift(timedelta(minutes=16))
        lead.notes.create(text="Asks.", kind="call", author="grok", author_kind="bot")
        lead.notes.create(text="Hm.", author="dewi")
        [told] = caller.read(LEADS, overdue="true")["results"]
        assert told["id"] == lead.pk
        assert list(dewi.list_of(Contact, clock="overdue").result_list) == [lead]

        stop(dewi, lead)

        assert not caller.read(LEADS, overdue="true")["results"]
        lead.refresh_from_db()
        assert (lead.answered_at, lead.answered_by) == (timezone.now(), "dewi")


def test_who_confirms_what_sarah_set_has_been_in_touch(
    bot: Bot, dewi: Staff, lead: Contact
) -> None:
    bot.post(**HOT)

    with time_machine.travel(timezone.now() + timedelta(minutes=5), tick=False):
        dewi.runs("confirm_status", [lead])
        now = timezone.now()

    lead.refresh_from_db()
    assert (lead.last_contact_at, lead.answered_at, lead.answered_by) == (now, now, "dewi")
    line = lead.status_changes.first()
    told = (line.from_status, line.to, line.by, line.actor_kind, line.at)
    assert told == ("contacted", "contacted", "dewi", "person", now)


def test_a_move_that_is_taken_back_lets_the_clock_run_on(
    bot: Bot, dewi: Staff, lead: Contact
) -> None:
    bot.post(**HOT)
    moves(dewi.client, lead, "qualified")

    dewi.runs("undo_moves", [lead])

    lead.refresh_from_db()
    assert (lead.lead_status, lead.answered_at) == ("contacted", None)


def test_who_is_handed_over_again_is_waited_for_again(bot: Bot, dewi: Staff, lead: Contact) -> None:
    with time_machine.travel(AT_TEN, tick=False) as clock:
        bot.post(**HOT)
        moves(dewi.client, lead, "qualified")
        clock.shift(timedelta(hours=1))
        bot.post(**HOT, message_count=9)

    lead.refresh_from_db()
    assert lead.answered_at is None
    assert lead.answer_by == datetime(2026, 11, 27, 4, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "answer_by"),
    [
        ({"closes_at": time(20)}, "2026-11-27T10:10:00Z"),
        ({"time_zone": "Asia/Jayapura"}, "2026-11-30T00:15:00Z"),
        ({"holidays": ["2026-11-30"]}, "2026-12-01T02:10:00Z"),
        ({"working_days": "123456"}, "2026-11-28T02:10:00Z"),
        ({"hot_minutes": 5}, "2026-11-27T10:00:00Z"),
    ],
)
def test_changed_hours_change_the_clocks_that_run(
    bot: Bot, lead: Contact, hours: dict[str, Any], answer_by: str
) -> None:
    answered = ContactFactory(
        answer_by=timezone.now(), answered_at=timezone.now(), handed_over_at=timezone.now()
    )
    with time_machine.travel(LATE, tick=False):
        bot.post(**HOT)
    workspace = Workspace.objects.get()

    for name, value in hours.items():
        setattr(workspace, name, value)
    workspace.save()

    lead.refresh_from_db()
    assert lead.answer_by == datetime.fromisoformat(answer_by)
    before = answered.answer_by
    answered.refresh_from_db()
    assert answered.answer_by == before


def test_the_dashboard_tells_who_waits_too_long_and_how_soon_others_are_answered(
    dewi: Staff, bot: Bot, lead: Contact
) -> None:
    now = timezone.now()
    ContactFactory(
        handed_over_at=now - timedelta(minutes=30), answer_by=now,
        answered_at=now - timedelta(minutes=10), answered_by="dewi",
    )  # fmt: skip
    ContactFactory(handed_over_at=now - timedelta(hours=2), answer_by=now - timedelta(hours=1))

    page = dewi.sees("index")

    assert "clock=overdue" in page
    assert "50 % were answered in time; half within 20\xa0minutes" in page


def test_answers_are_summed_up() -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    hour = timedelta(hours=1)
    answers = answers_of(
        [
            (now - 5 * hour, now - 4 * hour, now - 4 * hour, "dewi"),
            (now - 5 * hour, now - 4 * hour, now - 2 * hour, "rudi"),
            (now - 5 * hour, now - 4 * hour, None, ""),
            (now - hour, now + hour, None, ""),
        ],
        now=now,
    )

    assert (answers.in_time, answers.late, answers.share) == (1, 2, 33)
    assert (answers.median, answers.by_person) == (2 * hour, {"dewi": 1, "rudi": 1})
    assert answers_of([], now=now).share is None
