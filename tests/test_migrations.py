"""Indexes of large tables are added while bots write, on either database."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.utils import OperationalError

from contacts.models import Contact
from leadsync.infra.schema import LARGE_TABLES, AddIndexBesideTraffic, impatient_migrations
from tests.factories import ContactFactory
from tests.faults import LEADS, locked, postgresql

EARLIER = {"contacts": 13, "leadsync": 6, "monitoring": 8, "sarah": 12}
"""The numbers of the migrations before these rules."""
LOCKING = re.compile(r"CREATE\s+(UNIQUE\s+)?INDEX\s+(?!CONCURRENTLY)", re.IGNORECASE)
NAME = "leads_by_goals"
INDEX = models.Index(fields=["goals"], name=NAME)


def newer_migrations() -> Iterator[tuple[str, migrations.Migration]]:
    for (app, name), migration in MigrationLoader(None).disk_migrations.items():
        if app in EARLIER and int(name[:4]) > EARLIER[app]:
            yield app, migration


def flat(operations: Iterable[Operation]) -> Iterator[Operation]:
    for operation in operations:
        nested = getattr(operation, "database_operations", None)
        yield from flat(nested) if nested is not None else [operation]


def objections(app: str, migration: migrations.Migration) -> list[str]:
    """What of a migration would lock a large table for as long as an index takes to build."""
    found = []
    operations = list(flat(migration.operations))
    for operation in operations:
        is_large = f"{app}.{getattr(operation, 'model_name', '')}".lower() in LARGE_TABLES
        match operation:
            case AddIndexBesideTraffic():
                if migration.atomic or len(operations) > 1:
                    found.append("AddIndexBesideTraffic needs a migration of its own, not atomic")
            case migrations.AddIndex() if is_large:
                found.append(f"{operation.describe()}: use AddIndexBesideTraffic")
            case migrations.AddField(field=field) if is_large and (field.db_index or field.unique):
                found.append(f"{operation.describe()}: add its index with AddIndexBesideTraffic")
            case migrations.RunSQL(sql=str(sql)) if LOCKING.search(sql):
                found.append(f"CREATE INDEX without CONCURRENTLY: {sql}")
    return found


def test_no_new_migration_builds_an_index_while_a_large_table_is_locked() -> None:
    found = {str(one): wrong for app, one in newer_migrations() if (wrong := objections(app, one))}

    assert found == {}


@pytest.mark.parametrize(
    "operations",
    [
        [migrations.AddIndex("kapsodelivery", INDEX)],
        [migrations.AddField("stateupdate", "again", models.IntegerField(db_index=True))],
        [migrations.RunSQL(f"CREATE INDEX {NAME} ON sarah_sarahstate (language)")],
        [migrations.SeparateDatabaseAndState([migrations.AddIndex("sarahstate", INDEX)])],
        [AddIndexBesideTraffic("sarahstate", INDEX)],  # atomic
    ],
    ids=["AddIndex", "db_index", "SQL", "nested", "in a transaction"],
)
def test_a_migration_that_would_is_recognised(operations: list[Operation]) -> None:
    migration = migrations.Migration("0099_index", "sarah")
    migration.operations = operations

    assert objections("sarah", migration)


# What the operation does

committed = pytest.mark.django_db(transaction=True)


def state() -> Any:
    loaded = MigrationLoader(connection)
    return loaded.project_state(loaded.graph.leaf_nodes())


def build(*, session: str = "") -> None:
    """What `migrate` does with a migration that adds the index."""
    before, after = state(), state()
    operation = AddIndexBesideTraffic("contact", INDEX)
    operation.state_forwards("contacts", after)
    try:
        with connection.cursor() as cursor:
            cursor.execute(session or "SELECT 1")
        with connection.schema_editor(atomic=False) as editor:
            operation.database_forwards("contacts", editor, before, after)
    finally:
        if session:
            connection.close()


@pytest.fixture
def without_index() -> Iterator[None]:
    yield
    after = state()
    AddIndexBesideTraffic("contact", INDEX).state_forwards("contacts", after)
    with connection.schema_editor(atomic=False) as editor:
        AddIndexBesideTraffic("contact", INDEX).database_backwards(
            "contacts", editor, after, state()
        )
    assert NAME not in indexes()


def indexes() -> set[str]:
    with connection.cursor() as cursor:
        return set(connection.introspection.get_constraints(cursor, LEADS))


@committed
def test_an_index_is_added_and_removed(without_index: None) -> None:
    build()

    assert NAME in indexes()


@committed
@postgresql
def test_bots_write_while_an_index_waits_for_an_old_transaction(without_index: None) -> None:
    lead, other = ContactFactory(), ContactFactory()
    with ThreadPoolExecutor(1) as pool:
        with locked(f"UPDATE {LEADS} SET goals = 'Grow' WHERE id = {other.pk}"):
            building = pool.submit(lambda: [build(), connection.close()])
            for goals in ("Grow", "Rest", "Travel"):
                with connection.cursor() as cursor:
                    cursor.execute("SET statement_timeout = '30s'")
                    Contact.objects.filter(pk=lead.pk).update(goals=goals)
            assert not building.done()
        building.result(timeout=120)
    connection.close()

    assert NAME in indexes()


@committed
@postgresql
def test_an_index_that_was_broken_off_is_built_again(without_index: None) -> None:
    other = ContactFactory()
    with (
        locked(f"UPDATE {LEADS} SET goals = 'Grow' WHERE id = {other.pk}"),
        pytest.raises(OperationalError, match="lock timeout"),
    ):
        build(session="SET lock_timeout = '200ms'")
    assert NAME in indexes()  # not a usable one

    build()

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{NAME}'::regclass")
        assert cursor.fetchone() == (True,)


@committed
@postgresql
def test_a_migration_may_take_longer_than_other_statements() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '500ms'")
    try:
        with impatient_migrations(), connection.schema_editor() as editor:
            editor.execute("SELECT pg_sleep(0.7)")
    finally:
        connection.close()
