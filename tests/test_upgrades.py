"""Upgrades: the migrations run first, and old processes go on working meanwhile.

A process of before is played by the models as they were then: it reads and writes their columns,
and no others. Which tables and columns that are is taken from the migrations.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from io import StringIO
from itertools import count
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps
from django.db.models import QuerySet
from django.utils import timezone

from tests.bot import PHONE, Bot
from tests.faults import LEADS, locked, postgresql
from tests.shelf import Shelf

FIRST = {
    "contacts": "0003_default_workspace",
    "leadsync": "0002_staff_groups",
    "monitoring": "0002_relations_to_conversations",
    "sarah": "0002_postgresql_room_for_updates",
}
LAST = {
    "contacts": "0004_reworded_help_texts",
    "leadsync": "0003_reworded_help_texts",
    "monitoring": "0004_reworded_help_texts",
    "sarah": "0005_reworded_help_texts",
}
"""Where installations of before stand. Their migrations may never change any more."""

CAUSE = {"source": "sarah", "kind": "workspace_not_found"}
STRANGER, NEWCOMER, CALLED = "+6281300000001", "+6281300000002", "+6281300000003"

Rows = dict[str, dict[object, tuple[object, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class OldProcess:
    """What still runs the code of before."""

    models: StateApps

    def rows(self, label: str) -> QuerySet[Any]:
        return self.models.get_model(label)._default_manager.all()

    def knows(self, label: str) -> bool:
        app, _dot, name = label.partition(".")
        return name.lower() in self.models.all_models[app]

    def add(self, label: str, **values: object) -> Any:
        return self.rows(label).create(**values)

    def reads(self) -> Rows:
        """All that it knows of: by table and primary key, the columns of before."""
        found: Rows = {}
        with connection.cursor() as cursor:
            for model in self.models.get_models(include_auto_created=True):
                if model._meta.app_label in FIRST:
                    table, fields = model._meta.db_table, model._meta.local_concrete_fields
                    columns = ", ".join(f'"{table}"."{field.column}"' for field in fields)
                    key = fields.index(model._meta.pk)
                    cursor.execute(f'SELECT {columns} FROM "{table}"')
                    found[table] = {row[key]: row for row in cursor.fetchall()}
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    old: OldProcess
    before: Rows
    """What the old process had written before the upgrade."""


@pytest.fixture(params=[FIRST, LAST], ids=["from the first", "from the last"])
def old(
    transactional_db: None, shelf: Shelf, request: pytest.FixtureRequest
) -> Iterator[OldProcess]:
    """A process of before at work on a database of before, with rows in each table."""
    with shelf.copy(*of_before(request.param)):
        yield process_of(request.param)


@pytest.fixture(params=[FIRST, LAST], ids=["from the first", "from the last"])
def upgrade(
    transactional_db: None, shelf: Shelf, request: pytest.FixtureRequest
) -> Iterator[Upgrade]:
    """The same, migrated to what it is today."""
    old, (name, filled) = process_of(request.param), of_before(request.param)
    shelf.fill(name, filled)

    def migrate() -> Rows:
        before = old.reads()
        call_command("migrate", verbosity=0)
        return before

    with shelf.copy(f"{name}_upgraded", migrate, of=name) as before:
        yield Upgrade(old=old, before=before)


def of_before(point: dict[str, str]) -> tuple[str, Callable[[], None]]:
    """The name of a database at this point in time, and what fills it."""

    def filled() -> None:
        MigrationExecutor(connection).migrate(list(point.items()))
        fill(process_of(point))

    return "first" if point is FIRST else "last", filled


def process_of(point: dict[str, str]) -> OldProcess:
    return OldProcess(models=_models_at(tuple(point.items())))


@cache
def _models_at(point: tuple[tuple[str, str], ...]) -> StateApps:
    return MigrationExecutor(connection).loader.project_state(list(point)).apps


def fill(old: OldProcess) -> None:
    """Write rows as a process of before does, at least one to each table."""
    now = timezone.now()
    workspace = old.add("contacts.Workspace", slug="kopi-kita", name="Kopi", test_numbers=[])
    lead = old.add(
        "contacts.Contact",
        workspace=workspace,
        phone=PHONE,
        name="Budi",
        pain_points=["Queues"],
        lead_status="qualified",
        status_changed_at=now,
        status_changed_by="sarah-bot",
        staff_fields=["name"],
    )
    old.add("contacts.StatusChange", contact=lead, from_status="new", to="qualified", by="sarah")
    old.add(
        "contacts.Contact",
        workspace=workspace,
        phone=CALLED,
        lead_status="contacted",
        status_changed_at=now,
        status_changed_by="dewi",
    )
    old.add("contacts.Note", contact=lead, text="Called him.", author="dewi")
    user = old.add("auth.User", username="sarah-bot", password="!")
    key = old.add("leadsync.ApiKey", user=user, digest="0" * 64, scopes="states:write")

    told = {"state": "qualifying", "lead_score": 55, "message_count": 4}
    synced = old.add(
        "sarah.SarahState",
        workspace=workspace,
        contact_phone=PHONE,
        extracted_data={"name": "Budi"},
        contact=lead,
        synced_at=now,
        **told,
    )
    waiting = old.add(
        "sarah.SarahState",
        workspace_ref="nowhere",
        contact_phone=STRANGER,
        sync_reason="workspace_not_found",
        **told,
    )
    group = old.add("monitoring.FailureGroup", **CAUSE)
    about = {**CAUSE, "group": group, "state": waiting, "contact_phone": STRANGER, "error": "None."}
    failure = old.add("monitoring.SyncFailure", **about)
    by_hand = {"resolution": "manual", "resolved_by": "olivia", "resolved_at": timezone.now()}
    old.add("monitoring.SyncFailure", **by_hand, **about)
    message = {"key": key, "body": "{}", "changes": {"lead_score": [0, 55]}, "lead_score": 55}
    old.add("sarah.StateUpdate", state=synced, outcome="synced", **message)
    old.add(
        "sarah.StateUpdate",
        state=waiting,
        outcome="workspace_not_found",
        failure_group=group,
        **message,
    )

    settings = old.add("monitoring.AlertSettings", emails=["olivia@example.com"])
    alert = old.add("monitoring.Alert", cause="new_group", subject=str(group.pk), text="New.")
    old.add(
        "monitoring.AlertDelivery",
        settings=settings,
        alert=alert,
        event="raised",
        channel="email",
        recipient="olivia@example.com",
    )
    if old.knows("monitoring.BulkRun"):
        run = old.add("monitoring.BulkRun", action="resolve", asked_by="olivia", group=group)
        old.add("monitoring.BulkItem", run=run, failure=failure, seen_at=now)
    old.add("monitoring.SyncRun", trigger="worker", finished_at=now)
    old.add("monitoring.Heartbeat", worker="a worker")


def test_every_row_of_before_is_still_there_with_the_values_of_before(upgrade: Upgrade) -> None:
    after = upgrade.old.reads()

    changed = {
        (table, key): {"before": row, "after": after[table].get(key)}
        for table, rows in upgrade.before.items()
        for key, row in rows.items()
        if after[table].get(key) != row
    }

    assert changed == {}
    assert [table for table, rows in upgrade.before.items() if not rows] == []


def test_a_process_of_before_goes_on_writing(upgrade: Upgrade) -> None:
    old = upgrade.old
    workspace = old.rows("contacts.Workspace").get(slug="kopi-kita")
    group = old.rows("monitoring.FailureGroup").get()

    lead = old.add("contacts.Contact", workspace=workspace, phone=NEWCOMER)
    state = old.add("sarah.SarahState", workspace=workspace, contact_phone=NEWCOMER, contact=lead)
    message = old.add("sarah.StateUpdate", state=state, body="{}", outcome="synced")
    failure = old.add("monitoring.SyncFailure", **CAUSE, group=group, state=state, error="Away.")
    changes = [
        (lead, "name", "Sari"),
        (state, "message_count", 5),
        (message, "failure_group_id", group.pk),
        (failure, "occurrences", 2),
        (old.rows("contacts.Contact").get(phone=PHONE), "story", "It began small."),
        (old.rows("sarah.SarahState").get(contact_phone=STRANGER), "sync_attempts", 1),
        (old.rows("sarah.StateUpdate").get(outcome="synced", lead_score=55), "duration_ms", 9),
        (old.rows("monitoring.SyncFailure").get(resolution="manual"), "note", "Forget it."),
    ]
    for row, name, value in changes:
        setattr(row, name, value)
        row.save()

    for row, name, value in changes:
        rows_of_today = apps.get_model(row._meta.label).objects
        assert rows_of_today.values_list(name, flat=True).get(pk=row.pk) == value, row._meta.label


def test_todays_process_goes_on_with_a_conversation_of_before(upgrade: Upgrade) -> None:
    bot = Bot("new-bot")

    memory = bot.get(PHONE).json()
    answer = bot.post(PHONE, message_count=5, extracted_data={"goals": "Grow"}).json()

    assert (memory["message_count"], memory["extracted_data"]) == (4, {"name": "Budi"})
    assert answer == {"success": True, "sync": True}
    assert upgrade.old.rows("sarah.SarahState").get(contact_phone=PHONE).message_count == 5
    assert upgrade.old.rows("contacts.Contact").get(phone=PHONE).goals == "Grow"


def test_what_people_decided_before_holds_today(upgrade: Upgrade) -> None:
    called = apps.get_model("contacts.Contact").objects.get(phone=CALLED)
    waiting = apps.get_model("sarah.SarahState").objects.get(contact_phone=STRANGER)

    assert called.moved_by_person_at == called.status_changed_at
    assert waiting.given_up_by == "olivia"


def test_a_lead_that_a_person_moves_with_a_process_of_before_stays_there(upgrade: Upgrade) -> None:
    old, now = upgrade.old, timezone.now()
    old.rows("sarah.SarahState").filter(contact_phone=PHONE).update(state="handoff")
    moved = {"lead_status": "qualified", "status_changed_at": now, "status_changed_by": "dewi"}
    lead = old.rows("contacts.Contact").get(phone=PHONE)
    old.rows("contacts.Contact").filter(pk=lead.pk).update(**moved)
    old.add("contacts.StatusChange", contact=lead, from_status="contacted", to="new", by="dewi")

    call_command("reconcile", stdout=StringIO())

    lead.refresh_from_db()
    assert (lead.lead_status, lead.status_changed_by) == ("qualified", "dewi")


def test_a_lead_that_a_person_deletes_with_a_process_of_before_stays_deleted(
    upgrade: Upgrade,
) -> None:
    upgrade.old.rows("contacts.Workspace").update(creates_contacts=True)
    upgrade.old.rows("contacts.Contact").filter(phone=PHONE).delete()

    call_command("reconcile", stdout=StringIO())

    assert not upgrade.old.rows("contacts.Contact").filter(phone=PHONE).exists()

    answer = Bot("new-bot").post(PHONE, workspace_id="kopi-kita", message_count=5).json()

    assert answer == {"success": True, "sync": True}


def test_failures_of_before_and_their_causes_can_be_deleted_today(upgrade: Upgrade) -> None:
    failures = apps.get_model("monitoring.SyncFailure").objects
    groups = apps.get_model("monitoring.FailureGroup").objects
    of_before = list(upgrade.before["monitoring_failuregroup"])

    failures.filter(group__in=of_before).delete()
    groups.filter(pk__in=of_before).delete()

    assert not upgrade.old.rows("monitoring.FailureGroup").filter(pk__in=of_before).exists()
    assert not upgrade.old.rows("monitoring.SyncFailure").filter(group__in=of_before).exists()


@postgresql
@pytest.mark.parametrize("old", [FIRST], indirect=True)
def test_migrating_during_a_dump_holds_up_no_bot_and_ends_after_it(
    old: OldProcess, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def migrate() -> None:
        call_command("migrate", verbosity=0)
        connection.close()

    monkeypatch.setattr("leadsync.management.commands.migrate.PAUSE", 0.2)
    workspace, told = old.rows("contacts.Workspace").get(slug="kopi-kita"), ""
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '1s'")
    with ThreadPoolExecutor(1) as pool:
        with locked(f"LOCK TABLE {LEADS} IN ACCESS SHARE MODE"):
            migrating = pool.submit(migrate)
            for number in count():
                if "Waiting for a lock held by a client (process " in told:
                    break
                old.add("contacts.Contact", workspace=workspace, phone=f"+62814000{number:05}")
                told += capsys.readouterr().err
                assert not migrating.done()
        migrating.result(timeout=600)

    assert not MigrationExecutor(connection).migration_plan(
        MigrationExecutor(connection).loader.graph.leaf_nodes()
    )


@postgresql
@pytest.mark.parametrize("old", [FIRST], indirect=True)
def test_migrating_gives_up_in_words_where_a_lock_stays(old: OldProcess) -> None:
    with (
        locked(f"LOCK TABLE {LEADS} IN ACCESS SHARE MODE"),
        pytest.raises(CommandError, match=r"A table is locked by .* run `migrate` again later"),
    ):
        call_command("migrate", "--patience", "0m", verbosity=0)
