"""Finds problems that people should be told of. Several workers may look at once."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, OperationalError, ProgrammingError
from django.db.models.functions import Now
from django.utils import timezone

from contacts import quota
from contacts.models import Workspace
from leadsync.infra.db import capped_count, shown_count
from monitoring.alerts.announce import TOLD_EVERY, Finding, finding, settle
from monitoring.alerts.machine import full_disks, missing_backup
from monitoring.health.recent import recent
from monitoring.kinds import Kind, Source
from monitoring.limits import LATE
from monitoring.models import Alert, AlertSettings, FailureGroup, GroupStatus, SyncFailure
from monitoring.models.alerts import ABOUT_CAUSES, AlertKind
from sarah.models import SarahState

LASTING = timedelta(minutes=10)
"""A cause that had healed by itself and is back is announced only if its failures outlast the first
retries. A burst of failures that those heal shows in the failure rate."""

ABOUT = ("source", "kind", "exception", "function")
"""What tells a cause."""

OUTAGES = {OperationalError.__name__, ProgrammingError.__name__}
"""Exceptions of a database or a table that is away, for messages and background work alike."""


def look(now: datetime | None = None) -> None:
    """Look for problems, open and close alerts accordingly, and announce them.

    Causes of failures come first: what follows from a cause that people were told of within the
    hour is not announced again. If something cannot be looked at, as in an outage of the table that
    it needs, its alerts stay as they are, the rest is announced, and the database's error is raised
    in the end.
    """
    now = now or timezone.now()
    causes = Alert.objects.open().filter(cause__in=ABOUT_CAUSES)
    settle(_causes(now), open_before=list(causes), now=now)
    told = _told_causes(now)
    looks: dict[AlertKind, Callable[[], Iterator[Finding]]] = {
        AlertKind.FAILURE_RATE: lambda: _failure_rates(now, told=told),
        AlertKind.SILENCE: lambda: _silent_workspaces(now),
        AlertKind.BACKLOG: lambda: _backlog(told=told),
        AlertKind.FLOOD: _floods,
        AlertKind.BACKUP: missing_backup,
        AlertKind.DISK: full_disks,
    }
    findings: list[Finding] = []
    broken: dict[AlertKind, Error] = {}
    others = list(Alert.objects.open().exclude(cause__in=ABOUT_CAUSES))
    for kind, find in looks.items():
        try:
            findings += find()
        except Error as error:
            broken[kind] = error
    settle(findings, open_before=[one for one in others if one.cause not in broken], now=now)
    for first in broken.values():
        raise first


def _causes(now: datetime) -> Iterator[Finding]:
    failing = FailureGroup.objects.failing().exclude(kind=Kind.CONTACT_NOT_FOUND)  # strangers
    causes: list[Any] = list(failing)
    alerts = Alert.objects.filter(cause__in=ABOUT_CAUSES).order_by("started_at", "pk")
    latest = {alert.subject: alert for alert in alerts}
    of_messages = {cause.exception for cause in causes if cause.source != Source.BACKGROUND}
    homes = _homes(causes)
    for cause in causes:
        if cause.source == Source.BACKGROUND and cause.exception in of_messages & OUTAGES:
            continue  # one alert for both
        if kind := _kind_to_tell(cause, latest.get(str(cause.pk)), now):
            about = {name: getattr(cause, name) for name in ABOUT}
            yield finding(
                kind,
                subject=str(cause.pk),
                where=", ".join(homes[cause.pk]),
                count=cause.open_failures,
                about=cause.subject,
                **about,
            )


def _homes(causes: Collection[FailureGroup]) -> Mapping[int, list[str]]:
    """The names of the workspaces in which each of these causes has open failures."""
    names = {workspace.slug: str(workspace) for workspace in Workspace.objects.all()}
    failures = SyncFailure.objects.open().filter(group__in=causes, workspace_ref__in=names)
    homes: dict[int, list[str]] = defaultdict(list)
    for pk, slug in failures.order_by().values_list("group", "workspace_ref").distinct():
        homes[pk].append(names[slug])
    return homes


def _kind_to_tell(cause: Any, alert: Alert | None, now: datetime) -> AlertKind | None:
    """The kind of alert for a cause with open failures, or None if it needs none.

    `alert` is the latest alert about it. An open one stays open, whatever people say about the
    cause, until its failures are closed.
    """
    is_back = cause.status == GroupStatus.REGRESSED
    if alert and alert.recovered_at is None:
        told_before = is_back and cause.resolved_at > alert.started_at
        return AlertKind.REGRESSION if told_before else AlertKind(alert.cause)
    if is_back:
        return AlertKind.REGRESSION
    if cause.status != GroupStatus.OPEN:
        return None
    if alert is None:
        return AlertKind.NEW_CAUSE
    lasting = SyncFailure.objects.open().filter(
        group=cause, kind=Kind.SYNC_ERROR, created_at__range=(alert.recovered_at, now - LASTING)
    )
    return AlertKind.REGRESSION if lasting.exists() else None


def _told_causes(now: datetime) -> set[int]:
    """The ids of the causes of sync errors that people were told of within the hour."""
    told = Alert.objects.filter(cause__in=ABOUT_CAUSES).told_since(now - TOLD_EVERY)
    subjects = {int(subject) for subject in told.values_list("subject", flat=True)}
    causes = FailureGroup.objects.filter(pk__in=subjects, kind=Kind.SYNC_ERROR)
    return set(causes.values_list("pk", flat=True))


def _failure_rates(now: datetime, *, told: Collection[int]) -> Iterator[Finding]:
    """Workspaces where too many of the latest messages failed, not counting those that failed for a
    cause which people were told of."""
    for one in recent(now=now, without=told):
        if one.is_over_limit:
            yield finding(
                AlertKind.FAILURE_RATE,
                workspace=one.workspace,
                failed=one.failed,
                total=one.synced + one.failed,
                limit=one.limit,
            )


def _silent_workspaces(now: datetime) -> Iterator[Finding]:
    """Workspaces that have received messages before, but none for too long."""
    limit_of = AlertSettings.limits()
    for workspace in Workspace.objects.all():
        hours = limit_of(workspace.pk).silent_after_hours
        heard = SarahState.objects.filter(workspace=workspace)
        if not heard.active_since(now - timedelta(hours=hours)).exists() and heard.exists():
            yield finding(AlertKind.SILENCE, workspace=workspace, hours=hours)


def _backlog(*, told: Collection[int]) -> Iterator[Finding]:
    overdue = SarahState.objects.due().filter(next_sync_at__lt=Now() - LATE)
    if not told and (count := capped_count(overdue)):
        yield finding(AlertKind.BACKLOG, count=shown_count(count))


def _floods() -> Iterator[Finding]:
    creating = Workspace.objects.filter(creates_contacts=True, max_created_per_hour__gt=0)
    for workspace in filter(quota.is_used_up, creating):
        yield finding(AlertKind.FLOOD, workspace=workspace, limit=workspace.max_created_per_hour)
