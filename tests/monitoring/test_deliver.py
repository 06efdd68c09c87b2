"""What is to be told is sent until it arrives or is given up, and what was not sent is seen."""

import json
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from monitoring import webhooks
from monitoring.alerts import deliver
from monitoring.alerts.announce import Finding
from monitoring.alerts.deliver import FIRST_DELAY, MAX_ATTEMPTS, deliver_due, send_test
from monitoring.models import Alert, AlertDelivery, AlertKind, AlertSettings
from tests.factories import WorkspaceFactory
from tests.monitoring.alarms import HOOK, SILENT, look, silence_of
from tests.threads import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def ops() -> AlertSettings:
    """Operators who are told about all workspaces."""
    return AlertSettings.objects.create(emails=["ops@example.com"])


def make_due() -> None:
    AlertDelivery.objects.filter(next_attempt_at__isnull=False).update(
        next_attempt_at=timezone.now() - timedelta(seconds=1)
    )


def test_an_alert_is_told_when_it_comes_and_when_it_goes(ops: AlertSettings) -> None:
    for _minute in range(3):
        look(SILENT)
    look()
    look()

    assert deliver_due() == 2
    raised, recovered = mail.outbox
    assert raised.to == recovered.to == ["ops@example.com"]
    assert raised.subject == "[LeadSync] No message for over 24 hours."
    assert recovered.subject == "[LeadSync] Recovered, this is over: No message for over 24 hours."


def test_what_could_not_be_told_does_not_arrive_after_its_end(
    ops: AlertSettings, monkeypatch
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


@pytest.mark.django_db(transaction=True)
def test_workers_that_send_at_once_send_each_delivery_once(ops: AlertSettings) -> None:
    ops.emails = [f"ops{n}@example.com" for n in range(9)]
    ops.save()
    look(SILENT)

    assert sum(at_once([deliver_due] * 3)) == 9

    assert sorted(message.to[0] for message in mail.outbox) == ops.emails


def test_programs_are_told_what_happened_where_and_when(settings, monkeypatch) -> None:
    settings.LEADSYNC_SITE_URL = "https://leads.example.com"
    workspace = WorkspaceFactory()
    hook = AlertSettings.objects.create(
        workspace=workspace, webhook_url=HOOK, webhook_secret="ours"
    )
    calls: list[tuple[str, dict, str]] = []
    monkeypatch.setattr(
        webhooks,
        "post",
        lambda url, body, *, secret, header: calls.append((url, json.loads(body), secret)),
    )

    for findings in ([silence_of(workspace)], []):
        look(*findings)
        deliver_due()
    send_test(hook)

    alert = Alert.objects.get()
    page = f"https://leads.example.com/admin/contacts/workspace/{workspace.pk}/change/"
    raised = {
        "text": "[LeadSync] Silent.\nWhat to do: See whether its bot is running, and with a valid "
        f"key.\n{page}",
        "event": "raised",
        "cause": "silence",
        "subject": "default",
        "workspace": "default",
        "at": alert.started_at.isoformat(),
        "url": page,
    }
    recovered = {
        "text": f"[LeadSync] Recovered, this is over: Silent.\n{page}",
        "event": "recovered",
        "at": alert.recovered_at.isoformat(),
    }
    *about, test = calls
    assert about == [(HOOK, raised, "ours"), (HOOK, raised | recovered, "ours")]
    assert (test[1]["event"], test[1]["workspace"]) == ("test", "default")


def test_a_delivery_that_fails_is_retried_and_stops_no_other(
    ops: AlertSettings, monkeypatch, caplog
) -> None:
    ops.webhook_url = HOOK
    ops.save()

    def fail(url: str, *args: object, **kwargs: object) -> None:
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


def test_a_delivery_that_arrives_later_ends_the_complaint(ops: AlertSettings, monkeypatch) -> None:
    look(SILENT)
    with monkeypatch.context() as away:
        away.setattr(deliver, "_mail", lambda *args: 1 / 0)
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
    look(Finding(kind=AlertKind.FLOOD, text=f"Shop\r\nBcc: everyone@example.com {'floods ' * 60}"))

    deliver_due()

    (message,) = mail.outbox
    assert message.subject.startswith("[LeadSync] Shop Bcc: everyone@example.com floods")
    assert (len(message.subject), message.recipients()) == (150, ["ops@example.com"])
    assert message.extra_headers["Auto-Submitted"] == "auto-generated"


def test_what_reached_nobody_lately_is_failing_unless_something_has_since(
    ops: AlertSettings,
) -> None:
    off = AlertSettings.objects.create(workspace=WorkspaceFactory(), is_active=False)
    now, hour = timezone.now(), timedelta(hours=1)

    def delivery(to: str, *, age: int = 2, settings: AlertSettings = ops, **fields: object) -> None:
        AlertDelivery.objects.create(
            *(), settings=settings, event="raised", channel="email", recipient=to,
            created_at=now - age * hour, **{"error": "No."} | fields,
        )  # fmt: skip

    delivery("failing")
    delivery("not tried yet", error="")
    delivery("long ago", age=25)
    delivery("switched off", settings=off)
    delivery("reached since")
    delivery("reached since", age=1, error="", delivered_at=now)
    delivery("reached before")
    delivery("reached before", age=4, error="", delivered_at=now - 3 * hour)

    failing = AlertDelivery.objects.failing().values_list("recipient", flat=True)
    assert set(failing) == {"failing", "reached before"}


def test_a_worker_that_has_other_work_leaves_the_rest_for_the_next_time(
    ops: AlertSettings, monkeypatch
) -> None:
    look(SILENT)

    assert deliver_due(stopped=lambda: True) == 0
    with monkeypatch.context() as busy:
        busy.setattr(deliver, "GOES_ON", 0)
        assert deliver_due() == 0
    assert deliver_due() == 1


def test_what_is_due_for_longest_is_sent_first_and_nothing_to_who_is_switched_off(
    ops: AlertSettings,
) -> None:
    look(SILENT)
    look()
    raised, recovered = AlertDelivery.objects.order_by("pk")
    make_due()
    AlertDelivery.objects.filter(pk=recovered.pk).update(
        next_attempt_at=timezone.now() - timedelta(minutes=1)
    )

    AlertSettings.objects.update(is_active=False)
    assert deliver.lease_due() is None
    AlertSettings.objects.update(is_active=True)
    assert [deliver.lease_due(), deliver.lease_due()] == [recovered, raised]
