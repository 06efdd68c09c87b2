"""Refused messages are sent again, once what was wrong is right: by one click or one command."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from leadsync.models import ApiKey
from monitoring.models import RefusedBody, SyncFailure
from sarah.api import send_again
from sarah.models import SarahState, StateUpdate
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, SyncFailureFactory, WorkspaceFactory
from tests.faults import assert_discreet
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db(transaction=True)

NAMED = {"extracted_data": {"name": "Budi Santoso"}}


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> Any:
    """While this is set, LeadSync fails on every message."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sarah.receive.find_address", lambda *_, **__: 1 / 0)
        yield patch


def run(*arguments: object) -> int:
    """The exit code of `send_again`."""
    try:
        call_command("send_again", *map(str, arguments))
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def sends_again(staff: Staff, failure: SyncFailure) -> Any:
    """Press the button of a failure's page."""
    url = reverse("admin:monitoring_syncfailure_send_messages")
    return staff.client.post(url, {"failure": failure.pk, "everybody": "1"})


def test_what_crashed_comes_in_once_it_is_repaired(bot: Bot, crash: Any, capsys: Any) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(state="qualifying", lead_score=55, **NAMED)
    crash.undo()

    assert run() == 0

    assert capsys.readouterr().out.splitlines()[-1] == (
        "Sent 1 messages again: 1 received, 0 refused again."
    )
    lead.refresh_from_db()
    assert (lead.lead_score, lead.lead_status) == (55, "qualified")
    entry = StateUpdate.objects.get()
    assert (json.loads(entry.body)["lead_score"], entry.key.user.username) == (55, "sarah-bot")
    failure = SyncFailure.objects.get()
    assert failure.resolution == "retried"
    assert failure.resolved_by
    assert not RefusedBody.objects.exists()


def test_what_is_still_wrong_stays_and_says_why(bot: Bot, crash: Any, capsys: Any, caplog: Any):
    bot.send("{")
    bot.post(**NAMED)
    crash.setattr("sarah.receive.find_address", lambda *_, **__: {}["Budi of +6281234567890"])

    assert run() == 3

    told = capsys.readouterr().out.splitlines()
    assert "1 refused: The body is not JSON. Send one JSON object." in told
    assert told[-1] == "Sent 2 messages again: 0 received, 2 refused again."
    assert SyncFailure.objects.open().count() == 2
    assert RefusedBody.objects.get(refusal="crash").error == "KeyError: 'Budi of +6281234567890'"
    assert_discreet(caplog.text)


@pytest.mark.parametrize(
    ("repair", "expected"),
    [
        ({}, send_again.NO_KEY),
        ({"revoked_at": None}, ""),
        ({"revoked_at": None, "scopes": "leads:read"}, send_again.NO_KEY),
    ],
    ids=["still revoked", "valid again", "may not write"],
)
def test_a_key_must_be_right_before_its_messages_are_received(
    bot: Bot, repair: dict[str, Any], expected: str
) -> None:
    ApiKey.objects.update(revoked_at=timezone.now())
    bot.post()
    ApiKey.objects.update(**repair)

    assert run() == (3 if expected else 0)
    assert SarahState.objects.exists() is not bool(expected)
    assert [one.error for one in RefusedBody.objects.all()] == ([expected] if expected else [])


def test_the_new_key_of_a_bot_stands_for_its_revoked_one(bot: Bot) -> None:
    kopi = WorkspaceFactory(slug="kopi-kita")
    ApiKey.objects.update(revoked_at=timezone.now())
    bot.post()
    Bot("sarah-bot", workspace=kopi)

    assert run() == 0
    assert SarahState.objects.get().workspace == kopi


def test_the_oldest_is_sent_first_and_only_what_was_asked_for(bot: Bot, crash: Any) -> None:
    bot.post(lead_score=10)
    bot.post(lead_score=90)
    RefusedBody.objects.filter(body__contains=b"10").update(
        received_at=timezone.now() - timedelta(hours=1)
    )
    other = Bot("other-bot")
    other.post("+6281200000001")
    crash.undo()
    failure = SyncFailure.objects.order_by("pk").first()

    assert run("--dry-run") == 0
    assert not SarahState.objects.exists()
    assert run(failure.pk) == 0

    assert SarahState.objects.get().lead_score == 90
    assert RefusedBody.objects.get().key.user.username == "other-bot"


def test_what_a_person_resolved_is_left_alone(bot: Bot, crash: Any) -> None:
    bot.post()
    call_command("resolve_failures", "--all")
    crash.undo()

    assert run() == 0
    assert not SarahState.objects.exists()


def test_one_click_sends_all_messages_of_a_failure_again(bot: Bot, crash: Any) -> None:
    for number in range(3):
        bot.post(f"+628120000000{number}")
    bot.send("{")
    broken, unusable = SyncFailure.objects.order_by("pk")
    staff = Staff("Operators")
    page = staff.sees("monitoring_syncfailure_change", broken.pk)
    assert "LeadSync itself failed" in page
    assert "+6281200000002" in page

    crash.undo()
    sends_again(staff, broken)
    sends_again(staff, unusable)

    answer = staff.client.get(f"/admin/monitoring/syncfailure/{unusable.pk}/change/")
    assert messages_of(answer) == [
        "3 messages are received now.",
        "1 refused again: The body is not JSON. Send one JSON object.",
    ]
    broken.refresh_from_db()
    assert (broken.resolution, broken.resolved_by) == ("retried", staff.user.username)
    assert SarahState.objects.count() == 3


def test_a_click_sends_as_many_as_a_person_can_wait_for(
    bot: Bot, crash: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_again, "AT_ONCE", 2)
    for number in range(3):
        bot.post(f"+628120000000{number}")
    crash.undo()
    failure, staff = SyncFailure.objects.get(), Staff("Operators")

    sends_again(staff, failure)

    answer = staff.client.get(f"/admin/monitoring/syncfailure/{failure.pk}/change/")
    assert messages_of(answer) == [
        "2 messages are received now.",
        f"1 are left: send again, or run manage.py send_again {failure.pk}.",
    ]
    assert SyncFailure.objects.open().exists()


def test_what_is_refused_again_does_not_stand_in_the_way_of_the_rest(
    bot: Bot, crash: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_again, "AT_ONCE", 1)
    bot.post()
    crash.undo()
    for number in range(3):
        RefusedBody.objects.create(
            key=ApiKey.objects.get(),
            body=b"{",
            digest=f"{number}",
            refusal="crash",
            received_at=timezone.now() - timedelta(hours=1),
        )

    sent = send_again.send_now(RefusedBody.objects.all(), by="ani")

    assert (sent.received, sent.refused.total(), sent.left) == (1, 3, 0)


def test_only_who_may_retry_may_send_again(bot: Bot, crash: Any) -> None:
    bot.post()
    crash.undo()

    assert sends_again(Staff("Sales"), SyncFailure.objects.get()).status_code == 403
    assert not SarahState.objects.exists()


def test_a_message_that_was_too_large_is_refused_again(bot: Bot) -> None:
    bot.send(json.dumps({"contact_phone": PHONE, "note": "x" * 70_000}))

    assert run() == 3
    assert "64 KiB" in RefusedBody.objects.get().error


def test_a_refusal_at_the_same_moment_keeps_the_failure_open(bot: Bot, crash: Any) -> None:
    bot.post()
    failure = SyncFailure.objects.get()
    crash.undo()
    failure.bodies.create(body=b"{", digest="other", refusal="crash")

    assert run(SyncFailureFactory().pk) == 0
    assert send_again.send_now(
        RefusedBody.objects.exclude(digest="other"), by="ani"
    ) == send_again.SentAgain(received=1, refused=send_again.Counter())

    failure.refresh_from_db()
    assert failure.resolved_at is None
