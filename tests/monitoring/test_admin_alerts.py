"""Staff see what alarmed, choose who is told, and try whether telling works."""

import re
from typing import Any

import pytest
from django.core import mail
from django.urls import reverse

from contacts.models import Workspace
from monitoring import webhooks
from monitoring.alerts.announce import Finding
from monitoring.alerts.deliver import deliver_due
from monitoring.models import Alert, AlertDelivery, AlertKind, AlertSettings
from tests.factories import SyncFailureFactory, WorkspaceFactory
from tests.monitoring.alarms import HOOK, SILENT, look, silence_of
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db

ADD = "/admin/monitoring/alertsettings/add/"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "post", lambda *args, **kwargs: None)


@pytest.fixture
def operator() -> Staff:
    return Staff("Operators")


@pytest.fixture
def ops() -> AlertSettings:
    return AlertSettings.objects.create(emails=["ops@example.com"], webhook_url=HOOK)


def saves(staff: Staff, path: str, **fields: Any) -> Any:
    form = {"workspace": "", "emails": "", "webhook_url": "", "is_active": "on", "language": "en"}
    form |= {"silent_after_hours": "24", "max_failure_percent": "5"}
    return staff.client.post(
        path, {name: value for name, value in (form | fields).items() if value}
    )


def errors_of(response: Any) -> str:
    assert response.status_code == 200
    return str(response.context["adminform"].form.errors)


def test_staff_say_who_is_told(operator: Staff) -> None:
    emails = " ops@example.com \r\n\r\nana@example.com\nops@example.com"

    assert saves(operator, ADD, emails=emails, webhook_url=HOOK).status_code == 302

    settings = AlertSettings.objects.get()
    assert (settings.workspace, settings.webhook_url) == (None, HOOK)
    assert settings.emails == ["ops@example.com", "ana@example.com"]
    assert len(settings.webhook_secret) == 64
    page = operator.sees("monitoring_alertsettings_change", settings.pk)
    assert settings.webhook_secret in page
    assert "X-LeadSync-Signature" in page


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"emails": "ops@example.com\nnobody"}, "This is no e-mail address: nobody"),
        ({"emails": "a@example.com\r\nBcc: b@example.com"}, "This is no e-mail address: Bcc:"),
        ({"emails": "\n".join(f"a{n}@example.com" for n in range(11))}, "at most 10"),
        ({"webhook_url": "hooks.example.com"}, "Write an address such as https://"),
        ({"webhook_url": "http://169.254.169.254/latest"}, "Use a public address"),
        ({"webhook_url": "https://a:b@example.com/"}, "without a user name"),
        ({"webhook_url": "http://example.com:22/"}, "Use port 80, 443 or one over 1024"),
        ({"max_failure_percent": "0"}, "greater than or equal to 1"),
        ({"silent_after_hours": "721"}, "less than or equal to 720"),
    ],
)
@pytest.mark.one_database
def test_what_could_never_work_is_refused_at_once(
    fields: dict[str, str], why: str, operator: Staff
) -> None:
    assert why in errors_of(saves(operator, ADD, **fields))

    assert not AlertSettings.objects.exists()


def test_a_header_of_the_webhook_is_kept_and_never_shown_again(
    operator: Staff, ops: AlertSettings, monkeypatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(webhooks, "post", lambda *args, header, **kwargs: sent.append(header))
    page = reverse("admin:monitoring_alertsettings_change", args=[ops.pk])
    same = {"webhook_url": HOOK, "webhook_header": "X-API-Key"}
    saves(operator, page, **same, header_value="kapso-secret")

    shown = operator.sees("monitoring_alertsettings_change", ops.pk)
    assert "kapso-secret" not in shown
    assert "A value of 12 characters is kept" in shown
    assert saves(operator, page, **same).status_code == 302  # without typing it again
    operator.confirms("send_test_alert", ops)
    assert sent == [("X-API-Key", "kapso-secret")]

    saves(operator, page, webhook_url=HOOK, webhook_header=" ")  # taken away
    ops.refresh_from_db()
    assert (ops.webhook_header, ops.webhook_header_value) == ("", "")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"webhook_url": "https://elsewhere.example.com/"}, "Write the value for this webhook"),
        ({"webhook_url": "http://hooks.example.com/T0/secret"}, "Only for a webhook with https"),
        ({"webhook_url": ""}, "Only for a webhook with https"),
        ({"header_value": "a\u2028b"}, "on one line"),
        ({"webhook_header": "X-Key\r\nHost"}, "Use the name of a header"),
        ({"webhook_header": "Content-Length"}, "Use the name of a header"),
        ({"webhook_header": "x-leadsync-signature"}, "Use the name of a header"),
    ],
)
def test_a_header_goes_to_nobody_else_and_replaces_none_of_ours(
    fields: dict[str, str], why: str, operator: Staff, ops: AlertSettings
) -> None:
    kept = {"webhook_header": "X-API-Key", "webhook_header_value": "kapso-secret"}
    AlertSettings.objects.update(**kept)
    page = reverse("admin:monitoring_alertsettings_change", args=[ops.pk])
    same = {"webhook_url": HOOK, "webhook_header": "X-API-Key"}

    assert why in errors_of(saves(operator, page, **same | fields))

    assert AlertSettings.objects.values(*kept).get() == kept


def test_there_are_no_two_settings_for_the_same(operator: Staff, ops: AlertSettings) -> None:
    assert "settings for all workspaces already" in errors_of(saves(operator, ADD))


@pytest.mark.parametrize("fields", [{}, {"emails": "ops@example.com", "is_active": ""}])
def test_a_recipient_who_is_taken_away_or_switched_off_gets_nothing_more(
    fields: dict[str, str], operator: Staff, ops: AlertSettings
) -> None:
    look(Finding(kind=AlertKind.FLOOD, text="Flood."))
    page = reverse("admin:monitoring_alertsettings_change", args=[ops.pk])

    assert saves(operator, page, **{"emails": "new@example.com"} | fields).status_code == 302
    AlertSettings.objects.update(is_active=True)

    assert deliver_due() == 0


def test_the_button_tells_for_each_recipient_whether_it_worked(
    operator: Staff, ops: AlertSettings, monkeypatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise webhooks.WebhookFailed("The server answered with HTTP 404.")

    monkeypatch.setattr(webhooks, "post", fail)
    answer = operator.confirms("send_test_alert", ops)
    page = operator.client.get(answer["HX-Redirect"])

    assert messages_of(page) == [
        "Sent to ops@example.com.",
        "Not sent to hooks.example.com. The server answered with HTTP 404.",
    ]
    assert [message.to for message in mail.outbox] == [["ops@example.com"]]
    assert "The server answered with HTTP 404." in operator.sees(
        "monitoring_alertsettings_changelist"
    )
    assert [delivery.recipient for delivery in AlertDelivery.objects.failing()] == [
        "hooks.example.com"
    ]
    assert not AlertDelivery.objects.exclude(next_attempt_at=None).exists()  # no retry of a test


def test_open_alerts_come_first_and_say_what_became_of_them(
    operator: Staff, ops: AlertSettings
) -> None:
    cause = SyncFailureFactory().group
    look(SILENT)
    look(Finding(kind=AlertKind.NEW_CAUSE, subject=str(cause.pk), text="New <b>cause</b>."))
    look(SILENT)

    rows = operator.list_of(Alert).result_list
    page = operator.sees("monitoring_alert_change", rows[0].pk)

    assert [(alert.cause, alert.recovered_at is None) for alert in rows] == [
        (AlertKind.SILENCE, True),
        (AlertKind.NEW_CAUSE, False),
        (AlertKind.SILENCE, False),
    ]
    assert "Nobody: no settings for alerts" in re.sub(r"\s+", " ", page)
    page = operator.sees("monitoring_alert_change", rows[1].pk)
    assert reverse("admin:monitoring_failuregroup_change", args=[cause.pk]) in page
    assert "ops@example.com" in page
    assert "<b>cause</b>" not in page
    assert HOOK not in page
    assert len(operator.list_of(Alert, status="open").result_list) == 1


def test_sales_add_none_and_are_not_shown_the_way() -> None:
    sales = Staff("Sales")

    assert sales.status_of("monitoring_alertsettings_add") == 403
    assert "monitoring/alert" not in sales.sees("index")


def test_settings_and_workspaces_with_alerts_can_be_deleted(ops: AlertSettings) -> None:
    boss = Staff(is_superuser=True)
    workspace = WorkspaceFactory(slug="closing")
    AlertSettings.objects.create(workspace=workspace, emails=["closing@example.com"])
    look(silence_of(workspace))

    for row in (workspace, ops):
        options = row._meta
        url = reverse(f"admin:{options.app_label}_{options.model_name}_delete", args=[row.pk])
        assert boss.client.post(url, {"post": "yes"}).status_code == 302

    assert not AlertSettings.objects.exists()
    assert not Workspace.objects.filter(slug="closing").exists()
    assert "Silent." in boss.sees("monitoring_alert_changelist")
