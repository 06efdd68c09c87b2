"""What should alarm somebody does, once, and is told to be over when it is."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.utils import timezone

from contacts.models import Workspace
from leadsync.models import ApiKey
from monitoring.alerts import machine
from monitoring.alerts.watch import look
from monitoring.models import (
    Alert,
    AlertDelivery,
    AlertKind,
    AlertSettings,
    Backup,
    Event,
    FailureGroup,
    SyncFailure,
)
from sarah.models import SarahState, StateUpdate
from sarah.queue import work_batch
from sarah.resolve import resolve_cause
from tests.bot import PHONE, Bot
from tests.factories import (
    ContactFactory,
    SarahStateFactory,
    SyncFailureFactory,
    WorkspaceFactory,
    fail_sync,
)
from tests.faults import LEADS, assert_discreet, refusing

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def ops() -> AlertSettings:
    return AlertSettings.objects.create(emails=["ops@example.com"])


def later(**delta: float) -> Any:
    """The time of the block, and of the database's rows that it compares with."""
    return time_machine.travel(timezone.now() + timedelta(**delta))


def journal(count: int, outcome: str, **fields: object) -> None:
    """So many messages that came in just now; of a lead in `workspace`, or in the default one."""
    lead = ContactFactory(**{name: fields.pop(name) for name in ("workspace",) if name in fields})
    state = SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace)
    StateUpdate.objects.bulk_create(
        StateUpdate(state=state, outcome=outcome, **fields) for _ in range(count)
    )


def told() -> list[tuple[str, str]]:
    """Event and kind of every delivery, oldest first."""
    sent = AlertDelivery.objects.order_by("pk").values_list("event", "alert__cause")
    return [(str(event), str(cause)) for event, cause in sent]


def unknown_workspace_is_named(bot: Bot) -> Callable[[], object]:
    ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug="other"))
    bot.post(PHONE, workspace_id="bandung")
    return lambda: ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug="bandung"))


def resolved_cause_is_back(bot: Bot) -> Callable[[], object]:
    ends = unknown_workspace_is_named(bot)
    resolve_cause(FailureGroup.objects.get(), by="ana")
    bot.post(PHONE, workspace_id="bandung")
    return ends


def unknown_numbers_write(bot: Bot, count: int) -> None:
    for n in range(count):
        bot.post(f"+62812345678{n:02}")


def many_messages_fail(bot: Bot) -> Callable[[], object]:
    """Nobody needs to be told of the cause: somebody looks after it."""
    FailureGroup.objects.id_of(source="sarah", kind="workspace_not_found", subject="bandung")
    FailureGroup.objects.acknowledge(by="ana")
    for n in range(5):
        bot.post(f"+62812345678{n:02}", workspace_id="bandung")
    return lambda: None  # they are over when they are a quarter of an hour old


def bot_falls_silent(bot: Bot) -> Callable[[], object]:
    state = SarahStateFactory(contact_phone=ContactFactory().phone)
    SarahState.objects.update(updated_at=timezone.now() - timedelta(hours=24, minutes=1))
    return lambda: bot.post(state.contact_phone)


def retry_that_is_due(*, minutes: int) -> None:
    state = SarahStateFactory(contact_phone=ContactFactory().phone)
    fail_sync(state, due=-timedelta(minutes=minutes))


def retries_pile_up(bot: Bot) -> Callable[[], object]:
    retry_that_is_due(minutes=11)
    return work_batch


def unknown_numbers_flood_in(bot: Bot) -> Callable[[], object]:
    Workspace.objects.update(creates_contacts=True, max_created_per_hour=2)
    unknown_numbers_write(bot, 3)
    return lambda: None


def revoked_key_is_used(bot: Bot) -> Callable[[], object]:
    ApiKey.objects.update(revoked_at=timezone.now())
    assert bot.get(PHONE).status_code == 401
    return lambda: None


def nightly_backup_is_missing(bot: Bot) -> Callable[[], object]:
    last = timezone.now() - timedelta(hours=26, minutes=1)
    Backup.objects.create(file="leadsync.dump", size=1, finished_at=last)
    return lambda: Backup.objects.create(file="leadsync.dump", size=1)


@pytest.mark.parametrize(
    ("happens", "cause"),
    [
        (unknown_workspace_is_named, AlertKind.NEW_CAUSE),
        (resolved_cause_is_back, AlertKind.REGRESSION),
        (many_messages_fail, AlertKind.FAILURE_RATE),
        (bot_falls_silent, AlertKind.SILENCE),
        (retries_pile_up, AlertKind.BACKLOG),
        (unknown_numbers_flood_in, AlertKind.FLOOD),
        (revoked_key_is_used, AlertKind.REVOKED_KEY),
        (nightly_backup_is_missing, AlertKind.BACKUP),
    ],
)
def test_what_should_alarm_somebody_is_told_and_when_it_is_over(
    happens: Callable[[Bot], Callable[[], object]], cause: AlertKind, bot: Bot
) -> None:
    ends = happens(bot)
    look()
    look()
    assert told() == [(Event.RAISED, cause)]
    ends()

    with later(minutes=61):
        look()

    assert told() == [(Event.RAISED, cause), (Event.RECOVERED, cause)]
    assert_discreet(Alert.objects.get().text)


@pytest.mark.parametrize(
    ("total", "free", "alarms"),
    [
        (500, 21, False),
        (500, 19, True),
        (100, 11, False),
        (100, 9, True),
        (5, 1.1, False),
        (5, 0.9, True),
    ],
)
def test_a_disk_that_fills_is_told(
    total: float, free: float, alarms: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    gib = machine.GIB
    monkeypatch.setattr(
        machine,
        "disk_usage",
        lambda _folder: SimpleNamespace(total=total * gib, free=free * gib),
    )

    look()

    assert told() == [(Event.RAISED, AlertKind.DISK)] * alarms


@pytest.mark.parametrize("was_tried", [True, False])
def test_leads_without_any_backup_alarm_after_three_days(
    was_tried: bool, tmp_path: Path, settings: Any
) -> None:
    """SQLite's file is nobody else's; of PostgreSQL somebody else may take care."""
    settings.VAR_DIR = tmp_path
    if was_tried:
        (tmp_path / "backups").mkdir()
    ContactFactory(created_at=timezone.now() - timedelta(days=2))
    look()
    assert told() == []

    ContactFactory(created_at=timezone.now() - timedelta(days=4))
    look()

    alarms = was_tried or connection.vendor == "sqlite"
    assert told() == [(Event.RAISED, AlertKind.BACKUP)] * alarms


def test_a_bot_that_calls_over_plain_http_is_told(bot: Bot, settings) -> None:
    settings.SECURE_SSL_REDIRECT = True

    bot.post(PHONE)
    Bot("other-bot").client.get("/sarah/state?contact_phone=x", headers={"Authorization": "x"})

    alert = Alert.objects.get()
    assert (alert.cause, alert.subject) == (AlertKind.PLAIN_HTTP, bot.key[:10])
    assert bot.key[:20] not in alert.text


def test_an_alert_that_cannot_be_opened_costs_no_message(bot: Bot, settings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    ContactFactory(phone=PHONE)

    with refusing("monitoring_alert"):
        answer = bot.post(PHONE, state="handoff")

    assert answer.json() == {"success": True, "sync": True}


def test_nothing_alarms_while_all_is_well(bot: Bot) -> None:
    WorkspaceFactory(slug="unused")  # never had a message, so it is not silent
    WorkspaceFactory(slug="closed", creates_contacts=True, max_created_per_hour=0)
    closed_later = WorkspaceFactory(slug="closed-later", max_created_per_hour=1)
    ContactFactory(workspace=closed_later, source="sarah")
    retry_that_is_due(minutes=9)
    ContactFactory(phone=PHONE)
    for _ in range(20):
        bot.post(PHONE, lead_score=50)
    unknown_numbers_write(bot, 20)  # news, and no failures

    look()

    assert not Alert.objects.exists()


@pytest.mark.parametrize(
    ("failed", "synced", "excluded", "is_told"),
    [(5, 94, 0, True), (5, 95, 0, False), (4, 0, 0, False), (5, 94, 100, True)],
)
def test_messages_fail_too_often_from_five_and_over_five_per_cent_on(
    failed: int, synced: int, excluded: int, is_told: bool
) -> None:
    journal(failed, "sync_error")
    journal(synced, "synced")
    journal(excluded, "excluded")
    journal(excluded, "contact_not_found")

    look()

    assert told() == [("raised", "failure_rate")] * is_told


@pytest.mark.parametrize(
    ("kind", "minutes", "told_beside"),
    [
        ("sync_error", 0, []),
        ("sync_error", 61, ["backlog", "failure_rate"]),
        ("workspace_not_found", 0, ["backlog", "failure_rate"]),
    ],
)
def test_what_else_comes_of_a_broken_sync_is_no_news_within_the_hour(
    kind: str, minutes: int, told_beside: list[str]
) -> None:
    cause = SyncFailureFactory(kind=kind).group
    look()
    retry_that_is_due(minutes=11)

    with later(minutes=minutes):
        journal(994, kind, failure_group=cause)
        look()

    assert told()[0] == ("raised", "new_group")
    assert sorted(cause for _, cause in told()[1:]) == told_beside


def test_failures_of_another_cause_are_told_beside_it() -> None:
    cause = SyncFailureFactory().group
    journal(10, "sync_error", failure_group=cause)
    journal(6, "ambiguous_contact")

    look()

    assert sorted(cause for _, cause in told()) == ["failure_rate", "new_group"]


@pytest.mark.parametrize(
    ("exception", "alarmed"),
    [("OperationalError", {"sarah"}), ("ValueError", {"sarah", "background"})],
)
def test_only_an_outage_that_messages_meet_too_is_not_told_of_background_work(
    exception: str, alarmed: set[str]
) -> None:
    for source in ("sarah", "background"):
        SyncFailureFactory(source=source, group__exception=exception)

    look()

    subjects = Alert.objects.values_list("subject", flat=True)
    assert {FailureGroup.objects.get(pk=subject).source for subject in subjects} == alarmed


@pytest.mark.parametrize("kind", ["sync_error", "workspace_not_found"])
def test_a_broken_sync_that_healed_by_itself_and_lasts_the_next_time_is_told_again(
    kind: str,
) -> None:
    failure = SyncFailureFactory(kind=kind)
    look()
    SyncFailure.objects.heal()
    look()

    with later(days=1):
        SyncFailureFactory(group=failure.group, kind=kind)
        look()
        assert len(told()) == 2
    with later(days=1, minutes=11):
        look()

    assert told()[2:] == [("raised", "regression")] * (kind == "sync_error")


@pytest.mark.parametrize("said", ["acknowledge", "ignore"])
def test_a_cause_that_somebody_looks_after_is_not_announced(said: str) -> None:
    SyncFailureFactory()
    until = {"until": timezone.now() + timedelta(hours=1)} if said == "ignore" else {}
    getattr(FailureGroup.objects, said)(by="ana", **until)

    look()

    assert not Alert.objects.exists()


def test_each_workspace_has_its_own_limits() -> None:
    strict, calm = WorkspaceFactory(slug="strict"), WorkspaceFactory(slug="calm")
    AlertSettings.objects.update(silent_after_hours=48, max_failure_percent=50)
    AlertSettings.objects.create(workspace=strict, silent_after_hours=2, max_failure_percent=1)
    for workspace in (strict, calm):
        journal(5, "sync_error", workspace=workspace)
        journal(10, "synced", workspace=workspace)
    SarahState.objects.update(updated_at=timezone.now() - timedelta(hours=3))

    look()

    alarmed = Alert.objects.values_list("cause", "workspace__slug").order_by("cause")
    assert list(alarmed) == [(AlertKind.FAILURE_RATE, "strict"), (AlertKind.SILENCE, "strict")]


def test_a_look_costs_no_more_with_more_failures(django_assert_max_num_queries: Any) -> None:
    SyncFailure.objects.bulk_create(
        SyncFailureFactory.build_batch(50, group=SyncFailureFactory().group)
    )
    journal(50, "sync_error")
    look()

    with django_assert_max_num_queries(25):
        look()


def test_what_cannot_be_looked_at_silences_no_other_alert() -> None:
    """Counting a flood reads the leads' table: as long as that is broken, this very outage has to
    be told, and an open alert of a flood is not over."""
    Workspace.objects.update(creates_contacts=True)
    Alert.objects.notice(AlertKind.FLOOD, subject="default", text="A flood.")
    SyncFailureFactory()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {LEADS} RENAME TO gone")
        try:
            with pytest.raises(DatabaseError):
                look()
        finally:
            cursor.execute(f"ALTER TABLE gone RENAME TO {LEADS}")

    assert ("raised", "new_group") in told()
    assert Alert.objects.open().filter(cause=AlertKind.FLOOD).exists()
