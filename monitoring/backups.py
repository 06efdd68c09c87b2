"""Makes backups of the database while it is in use, and tries to restore each one."""

import logging
import os
import sqlite3
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection
from django.db.backends.sqlite3._functions import register  # type: ignore[import-untyped]
from django.db.migrations.recorder import MigrationRecorder

from monitoring.models import Backup

logger = logging.getLogger(__name__)

KEPT = 14
COUNT_MIGRATIONS = "SELECT COUNT(*) FROM django_migrations"
LIBPQ = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD"}
SSL = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT"}
SQLITE_PATIENCE = 60
"""Seconds for which a backup waits for a writer."""


class BackupFailed(Exception):
    """There is no new backup; the text says why."""


def back_up(folder: Path, *, keep: int = KEPT) -> Backup:
    """Make a backup with the time in its name, restore it once to try it, and keep the newest ones.

    A file that is not complete never has a backup's name.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sqlite = connection.vendor == "sqlite"
    suffix = ".sqlite3" if sqlite else ".dump"
    file = folder / f"leadsync-{datetime.now(UTC):%Y-%m-%d-%H%M%S}{suffix}"
    partial = file.with_suffix(".partial")
    partial.touch(mode=0o600)
    try:
        (_copy_sqlite if sqlite else _dump_postgresql)(partial)
        (_try_sqlite if sqlite else _try_postgresql)(partial)
        _sync(partial)
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    _sync(folder)
    made = Backup.objects.create(file=file.name, size=file.stat().st_size)
    Backup.objects.exclude(pk=made.pk).delete()
    for old in sorted(folder.glob(f"leadsync-*{suffix}"))[:-keep]:
        old.unlink()
    return made


def _copy_sqlite(copy: Path) -> None:
    with closing(sqlite3.connect(_name(), timeout=SQLITE_PATIENCE)) as source:
        register(source)  # functions of Django's that our constraints call
        try:
            source.execute("VACUUM INTO ?", [str(copy)])
        except sqlite3.Error as error:
            raise BackupFailed(f"SQLite cannot copy the database: {error}.") from error


def _try_sqlite(copy: Path) -> None:
    with closing(sqlite3.connect(f"file:{copy}?mode=ro", uri=True)) as restored:
        register(restored)
        ((verdict, *_),) = restored.execute("PRAGMA quick_check(1)")
        ((count,),) = restored.execute(COUNT_MIGRATIONS)
    if verdict != "ok":
        raise BackupFailed(f"The copy is damaged: {verdict}.")
    _compare(count)


def _dump_postgresql(dump: Path) -> None:
    _run("pg_dump", "--format=custom", f"--file={dump}")


def _try_postgresql(dump: Path) -> None:
    """Restore into a database that exists for this only; if we may make none, read the dump."""
    name = f"{_name()}_restored_{os.getpid()}"
    try:
        _run("createdb", "--template=template0", name)
    except BackupFailed as error:
        logger.warning("The backup is only read, not restored, to try it. %s", error)
        _run("pg_restore", "--file=/dev/null", str(dump))
        return
    try:
        _run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={name}", str(dump))
        count = _run("psql", "-XAtc", COUNT_MIGRATIONS, name)
    finally:
        _run("dropdb", "--if-exists", "--force", name)
    _compare(int(count))


def _compare(restored_migrations: int) -> None:
    """Migrations are the one thing that no bot and no person adds meanwhile."""
    expected = MigrationRecorder(connection).migration_qs.count()
    if restored_migrations != expected:
        raise BackupFailed(f"The copy has {restored_migrations} of {expected} migrations.")


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _run(program: str, *arguments: str) -> str:
    """Run a program of PostgreSQL's client; the password is not on its command line."""
    settings, options = connection.settings_dict, connection.settings_dict["OPTIONS"]
    given = {LIBPQ[name]: str(settings[name]) for name in LIBPQ if settings[name]}
    given |= {SSL[name]: str(options[name]) for name in SSL if name in options}
    try:
        done = subprocess.run(
            [program, *arguments],
            env=os.environ | given | {"PGDATABASE": _name()},
            check=False,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError as error:
        raise BackupFailed(f"{program} is missing: install PostgreSQL's client.") from error
    if done.returncode:
        raise BackupFailed(f"{program}: {done.stderr.strip()[:500]}")
    return done.stdout


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
