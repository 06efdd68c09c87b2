"""`/healthz` and `/readyz`: what a load balancer asks."""

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client


@pytest.fixture
def migrations() -> MigrationRecorder:
    return MigrationRecorder(connection)


def test_alive_is_answered_without_the_database(client: Client) -> None:
    """Any query would fail here: this test has no access to the database."""
    answer = client.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_migrated_database_is_ready(client: Client) -> None:
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_a_missing_migration_is_not_ready(client: Client, migrations: MigrationRecorder) -> None:
    migrations.record_unapplied("contacts", "0003_default_workspace")

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "manage.py migrate" in answer.json()["error"]


@pytest.mark.django_db
def test_a_database_newer_than_the_code_is_ready(
    client: Client, migrations: MigrationRecorder
) -> None:
    migrations.record_applied("contacts", "9999_from_the_next_release")

    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
@pytest.mark.django_db
def test_health_needs_no_key_and_no_https(client: Client, settings, path: str) -> None:
    settings.SECURE_SSL_REDIRECT = True

    assert client.get(path).status_code == 200
