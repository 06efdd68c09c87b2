"""Opens and closes alerts, and queues the messages about them: once an hour for each."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db import Error, connection, transaction
from django.db.models.functions import Now

from contacts.models import Workspace
from leadsync.infra.waits import bounded_waits
from monitoring.alerts.texts import text_in_english
from monitoring.errors import frames
from monitoring.models.alert_deliveries import AlertDelivery, Event
from monitoring.models.alert_settings import AlertSettings
from monitoring.models.alerts import HAPPENING, Alert, AlertKind

logger = logging.getLogger(__name__)

TOLD_EVERY = timedelta(hours=1)
"""The same kind and subject is announced at most this often, however often it comes back."""
OVER_AFTER = timedelta(hours=1)
"""An alert of `HAPPENING` ends when it was not seen for this long."""
NOTICE_WAITS_MS = 10
NOTED_EVERY = 60
"""Seconds for which one process does not record the same event again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem that exists right now."""

    kind: str
    text: str
    details: Mapping[str, object] | None = None
    subject: str = ""
    workspace_id: int | None = None


def finding(
    kind: AlertKind,
    /,
    *,
    subject: str = "",
    workspace: Workspace | None = None,
    where: str = "",
    **details: object,
) -> Finding:
    """Return a finding with the details that its text needs; `where` names the workspaces."""
    details = {"where": str(workspace) if workspace else where, **details}
    return Finding(
        kind=kind,
        subject=subject or (workspace.slug if workspace else ""),
        workspace_id=workspace.pk if workspace else None,
        details=details,
        text=text_in_english(kind, details),
    )


def notice_key(kind: AlertKind, key: Any) -> None:
    """Notice something about an API key, as below."""
    found = finding(kind, subject=key.prefix, key=f"{key.prefix}… ({key.user})")
    notice(replace(found, workspace_id=key.workspace_id))


def notice(found: Finding) -> None:
    """Open an alert about what happens right now, or note that it is still going on.

    Writes at most once a minute per process, and never fails the request. Call it outside of
    transactions: the alert must stay if the request is rolled back.
    """
    if not cache.add(f"{__name__}:{found.kind}:{found.subject}", True, NOTED_EVERY):
        return
    try:
        with bounded_waits(NOTICE_WAITS_MS):  # the bot waits for its answer
            Alert.objects.notice(**asdict(found))
    except Error as error:
        logger.warning("An alert (%s) could not be opened: %s", found.kind, frames(error))
        connection.close_if_unusable_or_obsolete()


def settle(findings: Iterable[Finding], *, open_before: Collection[Alert], now: datetime) -> None:
    """Open alerts for these findings, close those that no finding supports any more, tell people.

    `open_before` are the alerts that were open before the caller looked, so that one which another
    worker has seen since stays open. Safe to run in several workers at once.
    """
    found = {(one.kind, one.subject): one for one in findings}
    for one in found.values():
        Alert.objects.notice(**asdict(one))
    for alert in open_before:
        if _is_over(alert, found=found, now=now):
            recover(alert, now=now)
    for alert in Alert.objects.open().filter(notified_at__isnull=True):
        announce(alert, now=now)


def announce(alert: Alert, *, now: datetime) -> bool:
    """Queue a message to everyone the alert concerns, unless they were told within the hour.

    An alert without recipients stays unannounced: settings may be added later. Of two workers, the
    one that sets `notified_at` announces.
    """
    audience = [settings for settings in alert.audience() if settings.recipients()]
    same = Alert.objects.filter(cause=alert.cause, subject=alert.subject)
    if not audience or same.told_since(now - TOLD_EVERY).exists():
        return False
    with transaction.atomic():
        untold = Alert.objects.open().filter(pk=alert.pk, notified_at__isnull=True)
        if not untold.update(notified_at=now):
            return False
        AlertDelivery.objects.bulk_create(
            _delivery(alert, settings, *recipient, event=Event.RAISED)
            for settings in audience
            for recipient in settings.recipients()
        )
    return True


def recover(alert: Alert, *, now: datetime) -> bool:
    """Close an alert that nobody has seen since it was read, and tell those who were told of it.

    Messages about it that could not be sent are given up: an alarm after its end is a false one.
    """
    with transaction.atomic():
        unseen = Alert.objects.open().filter(pk=alert.pk, last_seen_at=alert.last_seen_at)
        if not unseen.update(recovered_at=now):
            return False
        told = alert.deliveries.filter(event=Event.RAISED, settings__is_active=True)
        AlertDelivery.objects.bulk_create(
            _delivery(alert, one.settings, one.channel, one.recipient, event=Event.RECOVERED)
            for one in told.select_related("settings")
            if (one.channel, one.recipient) in one.settings.recipients()
        )
        told.filter(delivered_at__isnull=True).exclude(error="").update(next_attempt_at=None)
    return True


def _is_over(alert: Alert, *, found: Collection[tuple[str, str]], now: datetime) -> bool:
    if alert.cause in HAPPENING:
        return alert.last_seen_at < now - OVER_AFTER
    return (alert.cause, alert.subject) not in found


def _delivery(
    alert: Alert, settings: AlertSettings, channel: str, recipient: str, *, event: str
) -> AlertDelivery:
    return AlertDelivery(
        settings=settings,
        alert=alert,
        event=event,
        channel=channel,
        recipient=recipient,
        next_attempt_at=Now(),
    )
