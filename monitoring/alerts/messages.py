"""Writes the messages about alerts: in their recipient's language, with advice and a link."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings as site
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from monitoring.alerts.texts import advice_of, sentence_of
from monitoring.models import SyncFailure
from monitoring.models.alert_deliveries import AlertDelivery, Event
from monitoring.models.alert_settings import AlertSettings
from monitoring.models.alerts import ABOUT_CAUSES, ABOUT_KEYS, Alert, AlertKind

IS_OVER, IS_TEST = _("Recovered, this is over:"), _("This is a test: alerts arrive here.")
WHAT_TO_DO = _("What to do:")
LISTS: dict[str, tuple[str, dict[str, str]]] = {
    AlertKind.BACKLOG: ("sarah_sarahstate", {"reason": "sync_error"}),
    AlertKind.LOCKOUT: ("leadsync_failedlogin", {}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent: `text` for people, the rest for programs. Contains nothing that a lead said."""

    text: str
    """A line that says what is wrong, one with advice, and one with a link."""
    event: str
    cause: str = ""
    subject: str = ""
    workspace: str = ""
    at: datetime
    url: str = ""


def message_of(delivery: AlertDelivery) -> Message:
    with translation.override(delivery.settings.language):
        return _about(delivery.alert, delivery) if delivery.alert else _test(delivery)


def _about(alert: Alert, delivery: AlertDelivery) -> Message:
    is_over = delivery.event == Event.RECOVERED
    sentence = sentence_of(alert, **_own(alert, delivery.settings, is_over=is_over))
    lines = [f"[LeadSync] {IS_OVER} {sentence}"]
    if not is_over:
        advice = advice_of(alert)
        lines = [f"[LeadSync] {sentence}", advice and f"{WHAT_TO_DO} {advice}"]
    url = _url(page_about(alert))
    return Message(
        text="\n".join(filter(None, (*lines, url))),
        event=delivery.event,
        cause=alert.cause,
        subject=alert.subject,
        workspace=alert.workspace.slug if alert.workspace else "",
        at=(alert.recovered_at if is_over else None) or alert.started_at,
        url=url,
    )


def _test(delivery: AlertDelivery) -> Message:
    settings = delivery.settings
    url = _url(reverse("admin:monitoring_alertsettings_change", args=[settings.pk]))
    text = f"[LeadSync] {IS_TEST}"
    return Message(
        text="\n".join(filter(None, (text, url))),
        event=delivery.event,
        workspace=settings.workspace.slug if settings.workspace else "",
        at=timezone.now(),
        url=url,
    )


def _own(alert: Alert, settings: AlertSettings, *, is_over: bool) -> dict[str, object]:
    """What the people of one workspace are told instead of what concerns all: only their own."""
    if alert.cause not in ABOUT_CAUSES or not settings.workspace or not alert.details:
        return {}
    own: dict[str, object] = {"where": str(settings.workspace)}
    if not is_over:
        failures = SyncFailure.objects.open().filter(group=int(alert.subject))
        own["count"] = failures.filter(workspace_ref=settings.workspace.slug).count()
    return own


def page_about(alert: Alert) -> str:
    """The path of the page where one sees it and can do something about it."""
    if alert.cause in ABOUT_CAUSES:
        return reverse("admin:monitoring_failuregroup_change", args=[alert.subject])
    if alert.cause in ABOUT_KEYS:
        return _list("leadsync_apikey", q=alert.subject)
    if alert.cause == AlertKind.FAILURE_RATE:
        return _list("monitoring_syncfailure", workspace=alert.subject)
    if alert.cause in LISTS:
        label, filters = LISTS[alert.cause]
        return _list(label, **filters)
    if alert.workspace_id:
        return reverse("admin:contacts_workspace_change", args=[alert.workspace_id])
    return reverse("admin:monitoring_alert_change", args=[alert.pk])


def _list(label: str, **filters: str) -> str:
    query = f"?{urlencode(filters)}" if filters else ""
    return f"{reverse(f'admin:{label}_changelist')}{query}"


def _url(path: str) -> str:
    return f"{site.LEADSYNC_SITE_URL}{path}" if site.LEADSYNC_SITE_URL else ""
