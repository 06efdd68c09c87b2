"""Alerts are told once, to those whom they concern, and what could not be told is seen."""

import json
from datetime import datetime, timedelta

import pytest
import time_machine
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from contacts.models import Workspace
from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring import webhooks
from monitoring.alerts import deliver
from monitoring.alerts.announce import Finding, notice_key, settle
from monitoring.alerts.deliver import FIRST_DELAY, MAX_ATTEMPTS, deliver_due
from monitoring.models import Alert, AlertDelivery, AlertKind, AlertSettings, Event
from tests.factories import SyncFailureFactory, WorkspaceFactory
from tests.threads import at_once

pytestmark = pytest.mark.django_db

HOOK = "https://hooks.example.com/T0/secret"
SILENT = Finding(kind=AlertKind.SILENCE, subject="default", text="No message for over 24 hours.")
RAISED, RECOVERED = (Event.RAISED, "ops@example.com"), (Event.RECOVERED, "ops@example.com")


@pytest.fixture
def ops() -> AlertSettings:
    """Operators who are told about all workspaces."""
    return AlertSettings.objects.create(emails=["ops@example.com"])


def look(*findings: Finding, at: datetime | None = None) -> None:
    settle(findings, open_before=list(Alert.objects.open()), now=at or timezone.now())


def told() -> list[tuple[str, str]]:
    """Event and recipient of every delivery, oldest first."""
    return list(AlertDelivery.objects.order_by("pk").values_list("event", "recipient"))


def events() -> list[str]:
    """What was told, oldest first."""
    return [event for event, _recipient in told()]


def recipients() -> set[str]:
    return {recipient for _event, recipient in told()}


def make_due() -> None:
    AlertDelivery.objects.filter(next_attempt_at__isnull=False).update(
        next_attempt_at=timezone.now() - timedelta(seconds=1)
    )


def test_an_alert_is_told_when_it_comes_and_when_it_goes(ops: AlertSettings) -> None:
    for _minute in range(3):
        look(SILENT)
    look()
    look()

    assert told() == [RAISED, RECOVERED]
    assert deliver_due() == 2
    raised, recovered = mail.outbox
    assert raised.to == recovered.to == ["ops@example.com"]
    assert raised.subject == "[LeadSync] No message for over 24 hours."
    assert recovered.subject == "[LeadSync] Recovered, this is over: No message for over 24 hours."


def test_what_could_not_be_told_does_not_arrive_after_its_end(
    ops: AlertSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(SILENT)
    with monkeypatch.context() as away:
        away.setattr(deliver, "_send", lambda *_message: 1 / 0)
        deliver_due()
    look()
    make_due()

    assert deliver_due() == 1
    assert "Recovered" in mail.outbox[0].subject
    assert len(mail.outbox) == 1


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


def silence_of(workspace: Workspace) -> Finding:
    return Finding(
        kind=AlertKind.SILENCE, subject=workspace.slug, workspace_id=workspace.pk, text="Silent."
    )


def test_everyone_whom_it_concerns_is_told_and_nobody_else() -> None:
    mine, other = WorkspaceFactory(), WorkspaceFactory(slug="other")
    AlertSettings.objects.create(emails=["all@example.com"])
    AlertSettings.objects.create(workspace=mine, emails=["mine@example.com"], webhook_url=HOOK)
    others = AlertSettings.objects.create(workspace=other, emails=["other@example.com"])
    cause = SyncFailureFactory(workspace_ref="default").group

    for finding in (
        silence_of(mine),
        Finding(kind=AlertKind.NEW_CAUSE, subject=str(cause.pk), text="New."),
    ):
        look(finding)
        assert recipients() == {"all@example.com", "mine@example.com", "hooks.example.com"}
        AlertDelivery.objects.all().delete()
    AlertSettings.objects.exclude(pk=others.pk).update(is_active=False)
    look(silence_of(other))
    assert recipients() == {"other@example.com"}


def test_an_alert_that_nobody_was_told_of_waits_for_settings() -> None:
    look(SILENT)
    assert Alert.objects.get().notified_at is None

    AlertSettings.objects.create(emails=["ops@example.com"])
    look(SILENT)

    assert told() == [RAISED]


def test_an_event_is_over_after_a_quiet_hour(ops: AlertSettings) -> None:
    issue_key("sarah-bot", role="sarah")
    for _ in range(2):
        notice_key(AlertKind.REVOKED_KEY, ApiKey.objects.get())
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


@pytest.mark.django_db(transaction=True)
def test_workers_that_send_at_once_send_each_delivery_once(ops: AlertSettings) -> None:
    ops.emails = [f"ops{n}@example.com" for n in range(9)]
    ops.save()
    look(SILENT)

    assert sum(at_once([deliver_due] * 3)) == 9

    assert sorted(message.to[0] for message in mail.outbox) == ops.emails


def test_programs_are_told_what_happened_where_and_when(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEADSYNC_SITE_URL = "https://leads.example.com"
    workspace = WorkspaceFactory()
    AlertSettings.objects.create(webhook_url="https://hooks.example.com/T0", webhook_secret="ours")
    calls: list[tuple[str, dict, str]] = []
    monkeypatch.setattr(
        webhooks, "post", lambda url, body, *, secret: calls.append((url, json.loads(body), secret))
    )

    look(silence_of(workspace))
    deliver_due()

    alert = Alert.objects.get()
    message = {
        "text": "[LeadSync] Silent.",
        "event": "raised",
        "cause": "silence",
        "subject": "default",
        "workspace": "default",
        "at": alert.started_at.isoformat(),
        "url": f"https://leads.example.com/admin/monitoring/alert/{alert.pk}/change/",
    }
    assert calls == [("https://hooks.example.com/T0", message, "ours")]


def test_a_delivery_that_fails_is_retried_and_stops_no_other(
    ops: AlertSettings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ops.webhook_url = HOOK
    ops.save()

    def fail(url: str, body: bytes, *, secret: str) -> None:
        raise ConnectionRefusedError(f"cannot reach {url}")

    monkeypatch.setattr(webhooks, "post", fail)
    look(SILENT)
    delays = []
    for _attempt in range(MAX_ATTEMPTS + 1):
        deliver_due()
        hook = AlertDelivery.objects.get(channel="webhook")
        if hook.next_attempt_at:
            delays.append(round((hook.next_attempt_at - timezone.now()) / FIRST_DELAY))
        make_due()

    assert [message.to for message in mail.outbox] == [["ops@example.com"]]
    assert (hook.attempts, hook.delivered_at, hook.next_attempt_at) == (MAX_ATTEMPTS, None, None)
    assert delays == [1, 4, 16, 64]
    assert hook.error == "The server refuses the connection."
    assert "secret" not in caplog.text
    assert list(AlertDelivery.objects.failing()) == [hook]


def test_a_delivery_that_arrives_later_ends_the_complaint(
    ops: AlertSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    look(SILENT)
    with monkeypatch.context() as patch:
        patch.setattr(deliver, "_mail", lambda *args: 1 / 0)
        deliver_due()
    failing = AlertDelivery.objects.failing().get()
    assert failing.error == "Sending failed (ZeroDivisionError). Look at the log."

    look()
    deliver_due()  # the word that it is over

    assert not AlertDelivery.objects.failing().exists()


def test_a_killed_worker_loses_no_delivery(ops: AlertSettings) -> None:
    look(SILENT)
    deliver.lease_due()  # and is killed
    assert deliver_due() == 0

    make_due()  # the lease has run out

    assert deliver_due() == 1


def test_without_a_mail_server_the_settings_say_so(ops: AlertSettings, settings) -> None:
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = deliver.SMTP, ""
    look(SILENT)

    deliver_due()

    assert "set EMAIL_HOST" in AlertDelivery.objects.get().error


def test_a_text_with_line_breaks_is_one_line_of_a_subject(ops: AlertSettings) -> None:
    look(Finding(kind=AlertKind.FLOOD, text="Shop\r\nBcc: everyone@example.com floods."))

    deliver_due()

    (message,) = mail.outbox
    assert message.subject == "[LeadSync] Shop Bcc: everyone@example.com floods."
    assert message.recipients() == ["ops@example.com"]


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
