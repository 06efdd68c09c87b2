"""`/api/v1/sync-health/`: the health of the sync for machines."""

from datetime import timedelta

import pytest
from django.utils import timezone

from contacts.models import Workspace
from leadsync.models import Scope
from monitoring.models import Heartbeat, SyncRun
from sarah.models import Outcome, StateUpdate
from tests.callers import Caller
from tests.factories import MessageFactory, SyncFailureFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db
HEALTH = "/api/v1/sync-health/"


@pytest.fixture
def bandung() -> Workspace:
    return WorkspaceFactory(slug="bandung")


def post_messages(workspace: Workspace, *outcomes: str) -> None:
    for outcome in outcomes:
        MessageFactory(
            state__workspace=workspace,
            outcome=outcome,
            duration_ms=12,
            received_at=timezone.now() - timedelta(minutes=30),
        )


@pytest.fixture
def traffic(bandung: Workspace) -> None:
    post_messages(bandung, Outcome.SYNCED)
    post_messages(WorkspaceFactory(slug="jakarta"), Outcome.SYNCED, Outcome.SYNC_ERROR)
    StateUpdate.objects.first().state.failures.all().delete()
    SyncFailureFactory(workspace_ref="jakarta")
    Heartbeat.objects.beat("host:1")
    SyncRun.objects.begin(trigger="worker").finish(error="Broken off.")


def test_a_key_for_all_workspaces_sees_all_of_it(traffic: None) -> None:
    body = Caller(Scope.FAILURES_READ).read(HEALTH)

    assert set(body) == {
        *("status", "at", "problems", "windows", "open_failures", "backlog", "workers"),
        *("oldest_waiting_at", "oldest_due_at", "last_run", "failing_alert_deliveries"),
        "unreadable",
    }
    assert body["status"] == "degraded"
    assert [problem["code"] for problem in body["problems"]] == ["run_failed"]
    assert "manage.py reconcile" in body["problems"][0]["text"]
    assert body["windows"]["1h"] == {
        "messages": 3,
        "synced": 2,
        "failed": 1,
        "excluded": 0,
        "unknown": 0,
        "failure_rate": 0.3333,
        "latency_ms": {"p50": 12, "p95": 12, "max": 12},
    }
    assert body["last_run"]["error"] == "Broken off."
    assert body["workers"]["alive"] == 1
    for moment in (body["at"], body["last_run"]["finished_at"], body["workers"]["last_beat_at"]):
        assert moment.endswith("Z")


def test_a_key_that_is_bound_to_a_workspace_sees_only_its_numbers(
    traffic: None, bandung: Workspace
) -> None:
    caller = Caller(Scope.FAILURES_READ, workspace=bandung)

    body = caller.read(HEALTH)

    assert body["windows"]["7d"]["messages"] == 1
    assert body["open_failures"]["sync_error"] == 0
    assert body["last_run"] is None
    of_bandung = Caller(Scope.FAILURES_READ).read(HEALTH, workspace="bandung")
    assert of_bandung["windows"] == body["windows"]


def test_asking_often_costs_no_more_than_asking_now_and_then(
    traffic: None, django_assert_num_queries
) -> None:
    caller = Caller(Scope.FAILURES_READ)
    caller.read(HEALTH)

    with django_assert_num_queries(1):  # the key
        caller.read(HEALTH)
