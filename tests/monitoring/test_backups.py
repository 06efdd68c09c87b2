"""`manage.py backup`: each night, also while others write, and what it makes can be restored."""

import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from contacts.models import Contact
from monitoring import backups
from monitoring.models import Backup
from tests.factories import ContactFactory
from tests.faults import LEADS
from tests.server import database_url

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        connection.vendor == "postgresql" and not shutil.which("pg_dump"),
        reason="needs PostgreSQL's client programs",
    ),
]
FIRST_NIGHT, SECOND_NIGHT = (datetime(2026, 12, day, 19, tzinfo=UTC) for day in (1, 2))
LEADS_BY_NAME = f"SELECT name FROM {LEADS} ORDER BY name"


def backup(folder: Path, *options: str) -> None:
    call_command("backup", "--folder", str(folder), *options)


@pytest.fixture
def empty() -> Iterator[str]:
    """PostgreSQL: the URL of an empty database."""
    url = database_url()
    with connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE restored TEMPLATE template0")
        yield urlsplit(url)._replace(path="/restored").geturl()
        cursor.execute("DROP DATABASE restored WITH (FORCE)")


def restore_sqlite(file: Path) -> list[str]:
    """The names of the leads in a copy of the backup."""
    with closing(sqlite3.connect(shutil.copy(file, file.with_suffix(".copy")))) as restored:
        return [name for (name,) in restored.execute(LEADS_BY_NAME)]


def restore_postgresql(file: Path, url: str) -> list[str]:
    subprocess.run(["pg_restore", "--no-owner", f"--dbname={url}", file], check=True)
    with psycopg.connect(url) as restored:
        return [name for (name,) in restored.execute(LEADS_BY_NAME)]


def test_a_backup_of_each_night_is_kept_and_can_be_restored(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    ContactFactory(name="Budi")
    with time_machine.travel(FIRST_NIGHT):
        backup(tmp_path)
    ContactFactory(name="Sari")
    with time_machine.travel(SECOND_NIGHT):
        backup(tmp_path)

    first, second = sorted(tmp_path.iterdir())

    if connection.vendor == "sqlite":
        restored = restore_sqlite(second)
    else:
        restored = restore_postgresql(second, request.getfixturevalue("empty"))
    assert restored == ["Budi", "Sari"]
    assert first.name.startswith("leadsync-2026-12-01-190000")
    assert stat.S_IMODE(second.stat().st_mode) == 0o600
    assert Backup.objects.get().file == second.name


def test_the_oldest_backups_are_deleted(tmp_path: Path) -> None:
    for night in (FIRST_NIGHT, SECOND_NIGHT):
        with time_machine.travel(night):
            backup(tmp_path, "--keep", "1")

    (kept,) = tmp_path.iterdir()

    assert "2026-12-02" in kept.name


def test_a_backup_is_made_while_bots_write(tmp_path: Path) -> None:
    ContactFactory(name="Budi")
    over, written = Event(), Event()

    def write() -> None:
        while not over.is_set():
            Contact.objects.update(goals=str(uuid4()))
            written.set()
        connection.close()

    writer = Thread(target=write)
    writer.start()
    try:
        for _night in range(3):
            written.clear()
            assert written.wait(timeout=60)
            backup(tmp_path)
    finally:
        over.set()
        writer.join()

    assert Backup.objects.exists()


def test_a_backup_that_failed_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The copy is checked before it gets a backup's name."""
    monkeypatch.setattr(backups, "COUNT_MIGRATIONS", "SELECT 1")

    with pytest.raises(CommandError, match=r"There is no new backup\. The copy has 1 of"):
        backup(tmp_path)

    assert not [*tmp_path.iterdir(), *Backup.objects.all()]
