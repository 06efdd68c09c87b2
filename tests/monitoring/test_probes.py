"""`/healthz` and `/readyz`: what a load balancer asks."""

from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.functions import Now
from django.test import Client

from monitoring.models import Heartbeat
from tests.faults import database_away

NEWEST = MigrationLoader(None).graph.leaf_nodes("contacts")[0]


@pytest.fixture
def migrations() -> MigrationRecorder:
    return MigrationRecorder(connection)


def test_alive_is_answered_without_the_database(client: Client) -> None:
    """Any query would fail here: this test has no access to the database."""
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_missing_migration_is_not_ready(client: Client, migrations: MigrationRecorder) -> None:
    migrations.record_unapplied(*NEWEST)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (503, "broken")
    assert "manage.py migrate" in answer.json()["error"]


@pytest.mark.django_db
def test_a_database_newer_than_the_code_is_ready(
    client: Client, migrations: MigrationRecorder
) -> None:
    migrations.record_applied("contacts", "9999_from_the_next_release")

    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_a_degraded_sync_keeps_the_process_in_service(client: Client) -> None:
    Heartbeat.objects.beat("host:1")
    Heartbeat.objects.update(beat_at=Now() - timedelta(minutes=3))

    answer = client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "degraded", "problems": ["worker_dead"]}


@pytest.mark.django_db
def test_what_was_found_is_remembered_for_two_seconds(
    client: Client, migrations: MigrationRecorder, django_assert_num_queries
) -> None:
    with time_machine.travel("2026-11-24T02:00:00Z", tick=False) as clock:
        migrations.record_unapplied(*NEWEST)
        assert client.get("/readyz").status_code == 503
        migrations.record_applied(*NEWEST)

        clock.shift(1.9)
        with django_assert_num_queries(0):
            assert client.get("/readyz").status_code == 503
        clock.shift(0.2)
        assert client.get("/readyz").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_without_its_database_the_process_is_alive_and_not_ready(client: Client) -> None:
    with database_away():
        alive, answer = client.get("/healthz"), client.get("/readyz")

    assert alive.status_code == 200
    assert answer.status_code == 503
    assert answer.json() == {"status": "broken", "error": "The database cannot be reached."}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_health_needs_no_key_and_no_https(client: Client, settings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True

    Heartbeat.objects.beat("a worker")

    answer = client.get(path)

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_broken_journal_takes_no_process_out_of_service(client: Client) -> None:
    """A balancer that went by it would turn the bots away."""
    Heartbeat.objects.beat("a worker")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE sarah_stateupdate RENAME TO gone")

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["problems"] == ["health_unreadable"]
