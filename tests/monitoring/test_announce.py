"""Alerts are told once, to those whom they concern, and again when they are over."""

from datetime import timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring.alerts.announce import Finding, notice_key, settle
from monitoring.alerts.deliver import deliver_due
from monitoring.models import Alert, AlertDelivery, AlertKind, AlertSettings, Event
from tests.factories import SyncFailureFactory, WorkspaceFactory
from tests.monitoring.alarms import HOOK, SILENT, look, silence_of, told
from tests.threads import at_once

pytestmark = pytest.mark.django_db

RAISED, RECOVERED = (Event.RAISED, "ops@example.com"), (Event.RECOVERED, "ops@example.com")


@pytest.fixture
def ops() -> AlertSettings:
    """Operators who are told about all workspaces."""
    return AlertSettings.objects.create(emails=["ops@example.com"])


def events() -> list[str]:
    """What was told, oldest first."""
    return [event for event, _recipient in told()]


def recipients() -> set[str]:
    return {recipient for _event, recipient in told()}


def test_what_comes_and_goes_is_told_once_an_hour(ops: AlertSettings) -> None:
    start = timezone.now()
    for minute in range(0, 180, 10):
        with time_machine.travel(start + timedelta(minutes=minute), tick=False):
            look(SILENT)
        with time_machine.travel(start + timedelta(minutes=minute + 5), tick=False):
            look()

    assert events() == [Event.RAISED, Event.RECOVERED] * 3


def test_what_came_back_within_the_hour_and_stays_is_told_after_it(ops: AlertSettings) -> None:
    look(SILENT)
    look()
    look(SILENT)
    assert len(told()) == 2

    look(SILENT, at=timezone.now() + timedelta(minutes=61))

    assert events() == [Event.RAISED, Event.RECOVERED, Event.RAISED]


def test_everyone_whom_it_concerns_is_told_and_nobody_else() -> None:
    mine, other = WorkspaceFactory(), WorkspaceFactory(slug="other")
    AlertSettings.objects.create(emails=["all@example.com"])
    AlertSettings.objects.create(workspace=mine, emails=["mine@example.com"], webhook_url=HOOK)
    others = AlertSettings.objects.create(workspace=other, emails=["other@example.com"])
    cause = SyncFailureFactory(workspace_ref="default").group
    over = {"resolved_at": timezone.now(), "resolution": "healed"}
    SyncFailureFactory(group=cause, workspace_ref="other", **over)

    new = Finding(kind=AlertKind.NEW_CAUSE, subject=str(cause.pk), text="New.")
    for finding in (silence_of(mine), new):
        look(finding)
        assert recipients() == {"all@example.com", "mine@example.com", "hooks.example.com"}
        AlertDelivery.objects.all().delete()
    AlertSettings.objects.exclude(pk=others.pk).update(is_active=False)
    look(silence_of(other))
    assert recipients() == {"other@example.com"}


@pytest.mark.parametrize("empty", [0, 1], ids=["no settings", "settings for nobody"])
def test_an_alert_that_nobody_was_told_of_waits_for_settings(empty: int) -> None:
    AlertSettings.objects.bulk_create([AlertSettings()] * empty)
    look(SILENT)
    assert Alert.objects.get().notified_at is None

    AlertSettings.objects.update_or_create(workspace=None, defaults={"emails": ["ops@example.com"]})
    look(SILENT)

    assert told() == [RAISED]


def test_an_event_is_over_after_a_quiet_hour_and_costs_nothing_for_a_minute(
    ops: AlertSettings, django_assert_num_queries
) -> None:
    issue_key("sarah-bot", role="sarah")
    key = ApiKey.objects.get()
    notice_key(AlertKind.REVOKED_KEY, key)
    with django_assert_num_queries(0):
        notice_key(AlertKind.REVOKED_KEY, key)
    look()
    assert events() == [Event.RAISED]

    look(at=timezone.now() + timedelta(minutes=61))

    assert events() == [Event.RAISED, Event.RECOVERED]


@pytest.mark.django_db(transaction=True)
def test_workers_that_look_at_once_tell_once(ops: AlertSettings) -> None:
    at_once([lambda: look(SILENT)] * 4)
    look(SILENT)  # if all of them were too early to see it
    assert events() == [Event.RAISED]
    open_before = list(Alert.objects.open())

    at_once([lambda: settle([], open_before=open_before, now=timezone.now())] * 4)

    assert events() == [Event.RAISED, Event.RECOVERED]


def test_an_alert_that_another_worker_has_just_seen_is_not_ended(ops: AlertSettings) -> None:
    look(SILENT)
    open_before = list(Alert.objects.open())
    look(SILENT)  # the other worker

    settle([], open_before=open_before, now=timezone.now())

    assert Alert.objects.get().recovered_at is None


def test_settings_and_workspaces_can_go_while_alerts_are_open(ops: AlertSettings) -> None:
    workspace = WorkspaceFactory(slug="closing")
    AlertSettings.objects.create(workspace=workspace, emails=["closing@example.com"])
    look(silence_of(workspace))

    workspace.delete()
    look()

    assert told() == [RAISED, RECOVERED]
    ops.delete()
    assert deliver_due() == 0
    assert Alert.objects.get().recovered_at


def test_there_are_settings_for_all_workspaces_once(ops: AlertSettings) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        AlertSettings.objects.create()


@pytest.mark.parametrize("change", [{"is_active": False}, {"emails": ["new@example.com"]}])
def test_who_has_gone_since_is_not_told_that_it_is_over(ops: AlertSettings, change: dict) -> None:
    look(SILENT)
    AlertSettings.objects.update(**change)

    look()

    assert told() == [RAISED]


def test_of_two_that_are_silent_one_recovers_alone(ops: AlertSettings) -> None:
    one, other = WorkspaceFactory(slug="one"), WorkspaceFactory(slug="other")
    look(silence_of(one), silence_of(other))

    look(silence_of(other))

    assert Alert.objects.open().get().workspace == other


def test_what_an_alert_is_about_is_cut_to_its_columns() -> None:
    Alert.objects.notice(AlertKind.FLOOD, subject="s" * 101, text="t" * 501)

    alert = Alert.objects.get()
    assert (len(alert.subject), len(alert.text)) == (100, 500)
