"""Changes of the schema while bots write (PostgreSQL): no lock is waited for at their expense."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import OperationalError, connection
from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.migrations.operations import AddIndex
from psycopg.errors import DeadlockDetected, LockNotAvailable

LOCK_TIMEOUT_MS = 200
"""Whoever waits for a table's lock makes all wait that come after; a bot does not notice this."""
LARGE_TABLES = {
    *("contacts.contact", "contacts.chatmessage", "contacts.chatmark"),
    *("sarah.sarahstate", "sarah.stateupdate", "sarah.kapsodelivery"),
}
"""Their indexes are added by `AddIndexBesideTraffic`."""

HOLDERS = """
    SELECT DISTINCT pid, COALESCE(NULLIF(application_name, ''), 'a client'), xact_start
    FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'relation' AND granted AND relation >= 16384  -- not PostgreSQL's own tables
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid <> pg_backend_pid() AND xact_start < now() - interval '1 second'
    ORDER BY xact_start LIMIT 3
"""


class ImpatientSchemaEditor(DatabaseSchemaEditor):
    """Gives up soon where it must wait for a lock, and takes its time otherwise."""

    def __enter__(self) -> "ImpatientSchemaEditor":
        super().__enter__()
        if self.atomic_migration:
            self.execute(f"SET LOCAL lock_timeout = {LOCK_TIMEOUT_MS:d}")
            self.execute("SET LOCAL statement_timeout = 0")
        elif settings.LEADSYNC_DB_DIRECT:  # else the connection has none, and may be shared
            self.execute("SET statement_timeout = 0")
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        if not self.atomic_migration and settings.LEADSYNC_DB_DIRECT:
            self.execute("RESET statement_timeout")


@contextmanager
def impatient_migrations() -> Iterator[None]:
    """Within it, a migration that would wait for a lock raises what `was_locked_out` recognises."""
    usual = connection.SchemaEditorClass
    connection.SchemaEditorClass = ImpatientSchemaEditor
    try:
        yield
    finally:
        connection.SchemaEditorClass = usual


def was_locked_out(error: OperationalError) -> bool:
    return isinstance(error.__cause__, LockNotAvailable | DeadlockDetected)


def lock_holders() -> list[str]:
    """Who has held locks on our tables for over a second, in words."""
    with connection.cursor() as cursor:
        cursor.execute(HOLDERS)
        rows = cursor.fetchall()
    return [f"{name} (process {pid}, since {since:%H:%M:%S %Z})" for pid, name, since in rows]


class AddIndexBesideTraffic(AddIndexConcurrently):
    """Add an index to a large table while bots write. Broken off, it can be run again.

    Its migration has `atomic = False` and nothing else in it.
    """

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        if schema_editor.connection.vendor != "postgresql":
            AddIndex.database_forwards(self, app_label, schema_editor, from_state, to_state)
            return
        if self._is_unfinished(schema_editor):
            schema_editor.execute(f'DROP INDEX CONCURRENTLY "{self.index.name}"')
        super().database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        is_postgresql = schema_editor.connection.vendor == "postgresql"
        remove = super().database_backwards if is_postgresql else self._remove_plainly
        remove(app_label, schema_editor, from_state, to_state)

    def _remove_plainly(self, *arguments: Any) -> None:
        AddIndex.database_backwards(self, *arguments)

    def _is_unfinished(self, schema_editor: Any) -> bool:
        """Whether an index of this name is left by a build that was broken off."""
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(%s) AND NOT indisvalid",
                [f'"{self.index.name}"'],
            )
            return cursor.fetchone() is not None
