"""`/metrics`: the health of the sync for Prometheus."""

from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from leadsync.models import Scope
from monitoring.models import Heartbeat, SyncRun
from sarah.models import Outcome
from tests.callers import Caller
from tests.factories import MessageFactory, SyncFailureFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db
PROMETHEUS = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4"


def scrape(client: Client) -> dict[tuple[str, ...], float]:
    """Every sample by its name and the values of its labels, read as Prometheus does."""
    answer = client.get("/metrics", headers={"Accept": PROMETHEUS})
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.content.decode()))
    assert {family.type for family in families} == {"gauge"}
    assert all(family.documentation for family in families)
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_numbers_are_those_of_the_health() -> None:
    MessageFactory(duration_ms=20)
    MessageFactory(duration_ms=250, outcome=Outcome.SYNC_ERROR)
    SyncFailureFactory(kind="rejected_payload")
    SyncRun.objects.begin(trigger="worker").finish(error="Broken off.")
    Heartbeat.objects.beat("host:1")

    samples = scrape(Caller(Scope.FAILURES_READ))

    assert {name.partition("_")[0] for name, *_labels in samples} == {"leadsync"}
    assert samples["leadsync_messages", "synced", "1h"] == 1
    assert samples["leadsync_messages", "sync_error", "7d"] == 1
    assert samples["leadsync_message_failure_ratio", "24h"] == 0.5
    assert samples["leadsync_message_duration_seconds", "max", "1h"] == 0.25
    assert samples["leadsync_open_failures", "rejected_payload"] == 1
    assert samples["leadsync_backlog", "contact_not_found"] == 2
    assert samples[("leadsync_sync_degraded",)] == 1
    assert samples["leadsync_sync_problem", "run_failed"] == 1
    assert samples["leadsync_sync_problem", "worker_dead"] == 0
    assert samples[("leadsync_workers_alive",)] == 1
    assert 0 <= samples[("leadsync_oldest_waiting_seconds",)] < 60
    assert ("leadsync_last_run_timestamp_seconds",) in samples


def test_a_key_of_one_workspace_does_not_read_those_of_all() -> None:
    answer = Caller(Scope.FAILURES_READ, workspace=WorkspaceFactory()).get("/metrics")

    assert (answer.status_code, "error" in answer.json()) == (403, True)


def test_a_setting_opens_them_to_everybody(client: Client, settings: Any) -> None:
    settings.LEADSYNC_METRICS_OPEN = True
    settings.SECURE_SSL_REDIRECT = True  # Prometheus asks inside the network
    Heartbeat.objects.beat("a worker")

    assert scrape(client)[("leadsync_sync_degraded",)] == 0
