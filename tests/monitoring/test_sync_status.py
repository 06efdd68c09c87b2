"""`manage.py sync_status`: what an operator sees over SSH, and what a check makes of it."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring.models import Heartbeat, SyncRun
from sarah.models import Outcome, SarahState
from tests.factories import (
    CauseFactory,
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
    fail_sync,
)
from tests.faults import database_away

LONG = "sarah.sync._create_the_contact_of_a_conversation"


@pytest.fixture
def trouble(db: None) -> SarahState:
    """A conversation that is parked, with its failures, traffic, a run and a worker."""
    state = fail_sync(SarahStateFactory(contact_phone=ContactFactory().phone))
    cause = CauseFactory(exception="OperationalError", function=LONG)
    for _lead in range(2):
        SyncFailureFactory(
            group=cause, state=state, last_seen_at=timezone.now() - timedelta(minutes=3)
        )
    for minutes, outcome in ((5, Outcome.SYNCED), (30, Outcome.SYNC_ERROR), (90, Outcome.SYNCED)):
        MessageFactory(
            state=state,
            outcome=outcome,
            duration_ms=1234,
            received_at=timezone.now() - timedelta(minutes=minutes),
        )
    SyncRun.objects.begin(trigger="worker").finish()
    Heartbeat.objects.beat("host:1")
    return state


def shown(capsys: Any, *arguments: str) -> tuple[int, str]:
    """The exit code and the screen."""
    try:
        call_command("sync_status", *arguments)
    except SystemExit as left:
        return int(str(left.code)), capsys.readouterr().out
    return 0, capsys.readouterr().out


@pytest.mark.django_db
def test_a_healthy_sync_says_so_first(capsys) -> None:
    Heartbeat.objects.beat("host:1")

    code, screen = shown(capsys)

    assert code == 0
    assert screen.startswith("OK: the sync is healthy")


@pytest.mark.django_db
def test_a_missing_worker_is_told_with_how_to_start_one(capsys) -> None:
    code, screen = shown(capsys)

    assert code == 3
    assert "Start one and keep it running: `manage.py sync_worker`" in " ".join(screen.split())
    assert "none is running: nothing is retried" in screen


def test_a_degraded_sync_says_what_is_wrong_and_what_to_do(trouble: SarahState, capsys) -> None:
    code, screen = shown(capsys)

    lines = [" ".join(line.split()) for line in screen.splitlines()]
    assert code == 3
    assert lines[0].startswith("DEGRADED: 1 problem (")
    assert lines[1].startswith("! 1 conversations failed to sync too often")
    assert "manage.py retry_failures" in " ".join(lines[1:4])
    for line in (
        "1 h 24 h 7 d",
        "received 2 3 3",
        "failed 1 1 1",
        "failure rate 50.0% 33.3% 33.3%",
        "95 % within 1,234 ms 1,234 ms 1,234 ms",
        "sync_error 2",
        "oldest that a sync would heal: 0 s ago",
        "sync_error OperationalError sync._create_the_contac… open 2 3 minutes ago",
        "need a person 1",
        "1 running, 0 vanished, last sign of life 0 s ago",
        "0 open, 0 that could not be delivered",
    ):
        assert line in lines
    assert max(map(len, screen.splitlines())) <= 100
    assert "+62" not in screen


def test_programs_get_the_same_as_one_object(trouble: SarahState, capsys) -> None:
    code, screen = shown(capsys, "--json")

    body = json.loads(screen)
    assert code == 3
    assert (body["status"], body["problems"][0]["code"]) == ("degraded", "needs_a_person")
    assert body["windows"]["1h"]["messages"] == 2
    assert body["backlog"]["parked"] == 1
    assert body["groups"][0]["function"] == LONG
    assert (body["groups"][0]["leads"], body["groups"][0]["status"]) == (2, "open")
    assert body["groups"][0]["last_seen_at"].endswith("Z")
    assert [run["error"] for run in body["runs"]] == [""]
    assert "+62" not in screen


@pytest.mark.django_db(transaction=True)
def test_without_a_database_it_cannot_run(capsys) -> None:
    with database_away(), pytest.raises(CommandError, match="database cannot be reached"):
        call_command("sync_status")
