"""An outage from beginning to end, as the people who run a shop live through it."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from leadsync.models import Scope
from monitoring.jobs import worker
from monitoring.models import AlertSettings, Heartbeat, SyncFailure
from sarah.models import SarahState, StateUpdate
from tests.bot import Bot
from tests.callers import Caller
from tests.factories import ContactFactory
from tests.faults import CONVERSATIONS, FAILURES, LEADS, locked, postgresql, refusing
from tests.staff import Staff

LEADS_TALKING = 8


def a_minute_of_traffic(bot: Bot, phones: list[str], minute: int) -> None:
    for phone in phones:
        assert bot.post(phone, lead_score=40 + minute, message_count=minute).status_code == 200
    worker().work_once()


def test_two_minutes_without_the_table_of_leads_cost_one_alert_and_no_message(bot: Bot) -> None:
    AlertSettings.objects.create(emails=["operator@example.com"])
    phones = [ContactFactory().phone for _ in range(LEADS_TALKING)]

    two_minutes_ago = timezone.now() - timedelta(minutes=2)  # the database's clock is the real one

    with time_machine.travel(two_minutes_ago, tick=False) as clock:
        with refusing(LEADS):
            for minute in (1, 2):
                a_minute_of_traffic(bot, phones, minute)
                assert SyncFailure.objects.open().count() == LEADS_TALKING
                clock.shift(timedelta(minutes=1))
        told = [message.subject for message in mail.outbox]
        SarahState.objects.filter(next_sync_at__isnull=False).update(next_sync_at=timezone.now())
        worker().work_once()

    assert len(told) == 1
    assert len(mail.outbox) == 2
    assert "ecovered" in mail.outbox[1].subject
    assert not SyncFailure.objects.open().exists()
    assert not SarahState.objects.out_of_sync().exists()
    assert set(SarahState.objects.values_list("contact__lead_score", flat=True)) == {42}
    assert StateUpdate.objects.count() == 2 * LEADS_TALKING


def readiness() -> tuple[str, list[str]]:
    """What a balancer is told."""
    cache.clear()
    body = Client().get("/readyz").json()
    return body["status"], body.get("problems", [])


def test_the_truth_is_told_at_once_and_ends_with_the_last_healing(bot: Bot) -> None:
    phones = [ContactFactory().phone for _ in range(5)]
    Heartbeat.objects.beat("a worker")
    assert readiness() == ("ok", [])

    with refusing(LEADS):
        for phone in phones:
            bot.post(phone, lead_score=50)
        assert readiness() == ("degraded", ["messages_failing"])
    for count in range(20):
        bot.post(phones[0], message_count=count)
    assert readiness() == ("recovering", ["messages_failing"])
    SarahState.objects.filter(next_sync_at__isnull=False).update(next_sync_at=timezone.now())
    worker().work_once()

    assert readiness() == ("ok", [])


def test_strangers_are_news_and_no_failures(bot: Bot) -> None:
    AlertSettings.objects.create(emails=["operator@example.com"])
    for number in range(20):
        assert bot.post(f"+62812345678{number:02}").json()["syncReason"] == "contact_not_found"

    worker().work_once()

    assert readiness() == ("ok", [])
    assert mail.outbox == []
    assert SyncFailure.objects.open().count() == 20
    hour = Caller(Scope.FAILURES_READ).read("/api/v1/sync-health/")["windows"]["1h"]
    assert (hour["unknown"], hour["failed"], hour["failure_rate"]) == (20, 0, 0)


@postgresql
@pytest.mark.parametrize(
    ("table", "part", "problem"),
    [
        (CONVERSATIONS, "conversations", "not_writable"),
        ("sarah_stateupdate", "messages", "health_unreadable"),
        (FAILURES, "failures", "health_unreadable"),
        ("monitoring_heartbeat", "workers", "health_unreadable"),
        ("monitoring_alertdelivery", "alerts", "health_unreadable"),
        (LEADS, None, "not_writable"),
    ],
)
def test_a_locked_table_is_told_by_everything_that_can_still_be_read(
    table: str, part: str | None, problem: str, transactional_db: None
) -> None:
    Heartbeat.objects.beat("a worker")
    caller, staff = Caller(Scope.FAILURES_READ), Staff("Operators")

    with locked(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"):
        status, problems = readiness()
        health = caller.read("/api/v1/sync-health/")
        metrics = caller.get("/metrics").content.decode()
        page = staff.sees("index")

    assert status == "degraded"
    assert problem in problems
    unreadable = health["unreadable"]
    assert (part in unreadable) == bool(part)
    assert len(unreadable) < 3
    assert (health["windows"] is None) == (part == "messages")
    assert ("leadsync_backlog{" in metrics) == ("conversations" not in unreadable)
    assert all(f'part="{one}"' in metrics for one in unreadable)
    assert "could not be read" in page


READ_ONLY = {
    "postgresql": "SET default_transaction_read_only = {}",
    "sqlite": "PRAGMA query_only = {}",
}[connection.vendor]


def test_a_database_that_takes_no_writes_is_told(transactional_db: None) -> None:
    Heartbeat.objects.beat("a worker")
    with connection.cursor() as cursor:
        cursor.execute(READ_ONLY.format("on"))
        told = readiness()
        cursor.execute(READ_ONLY.format("off"))

    assert told == ("degraded", ["not_writable"])
    assert readiness() == ("ok", [])


@pytest.mark.skipif(connection.vendor != "sqlite", reason="has one writer")
def test_a_writer_that_holds_sqlite_is_told(transactional_db: None) -> None:
    Heartbeat.objects.beat("a worker")

    with locked("UPDATE monitoring_heartbeat SET worker = worker"):
        told = readiness()

    assert told == ("degraded", ["not_writable"])
    assert readiness() == ("ok", [])
