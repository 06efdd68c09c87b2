"""Looks for what should alarm somebody: conditions that hold right now, as findings.

Any number of workers may look at once, every minute or so.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db import Error
from django.db.models import Count, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from contacts.models import Workspace
from monitoring.alerting import TOLD_EVERY, Finding, settle
from monitoring.kinds import Kind
from monitoring.models import (
    Alert,
    AlertSettings,
    Cause,
    FailureGroup,
    GroupStatus,
    Source,
    SyncFailure,
)
from monitoring.models.alerts import GROUP_CAUSES
from sarah.diagnosis import LATE, MIN_FAILURES, RATE_WINDOW
from sarah.flood import is_flooded
from sarah.models import Outcome, SarahState, StateUpdate

NOT_OVER = (
    GroupStatus.OPEN,
    GroupStatus.REGRESSED,
    GroupStatus.ACKNOWLEDGED,
    GroupStatus.IGNORED,
)
LASTING = timedelta(minutes=10)
"""A cause that had healed by itself and is back is worth a word if its first retries do not mend
it; a rush of failures that they do mend shows in the failure rate."""
MAX_COUNTED = 1000


def look(now: datetime | None = None) -> None:
    """Open, keep, end and announce alerts as things stand.

    Where something cannot be looked at, as in an outage of just the table it needs, its alerts stay
    as they are, people are told of the rest, and the database's error is raised in the end.
    """
    now = now or timezone.now()
    open_before = list(Alert.objects.open())
    findings = list(_causes_of_failures(now))
    explaining = _explaining(findings, open_before=open_before, now=now)
    looks: dict[Cause, Callable[[], Iterator[Finding]]] = {
        Cause.FAILURE_RATE: lambda: _failure_rates(now, explaining=explaining),
        Cause.SILENCE: lambda: _silent_workspaces(now),
        Cause.BACKLOG: lambda: _backlog(is_explained=bool(explaining)),
        Cause.FLOOD: _floods,
    }
    broken: Error | None = None
    for cause, find in looks.items():
        try:
            findings += list(find())
        except Error as error:
            broken = error
            open_before = [alert for alert in open_before if alert.cause != cause]
    settle(findings, open_before=open_before, now=now)
    if broken:
        raise broken


def limits() -> Callable[[int | None], AlertSettings]:
    """The settings whose limits apply to a workspace: its own, else those for all."""
    by_workspace = {settings.workspace_id: settings for settings in AlertSettings.objects.all()}
    for_all = by_workspace.get(None) or AlertSettings()
    return lambda workspace_id: by_workspace.get(workspace_id, for_all)


def _causes_of_failures(now: datetime) -> Iterator[Finding]:
    groups: Iterable[Any] = FailureGroup.objects.with_status(*NOT_OVER)
    alerts = Alert.objects.filter(cause__in=GROUP_CAUSES).order_by("started_at", "pk")
    latest = {alert.subject: alert for alert in alerts}
    groups = list(groups)
    of_messages = {group.exception for group in groups if group.source != Source.BACKGROUND}
    for group in groups:
        if cause := _cause_to_tell(group, latest.get(str(group.pk)), now):
            yield Finding(
                cause=cause,
                subject=str(group.pk),
                text=f"{Cause(cause).label}: {group}. Open failures: {group.open_failures}.",
                # The table that messages need is away: background work needs it as well.
                is_explained=group.source == Source.BACKGROUND and group.exception in of_messages,
            )


def _cause_to_tell(group: Any, alert: Alert | None, now: datetime) -> str | None:
    """What the alert of a group with open failures is; None if nobody needs one.

    `alert` is the latest there was. One that is open stays, whatever people say about the group,
    until its failures are over.
    """
    is_back = group.status == GroupStatus.REGRESSED
    if alert and alert.recovered_at is None:
        told_before = is_back and group.resolved_at > alert.started_at
        return Cause.REGRESSION if told_before else alert.cause
    if is_back:
        return Cause.REGRESSION
    if group.status != GroupStatus.OPEN:
        return None
    if alert is None:
        return Cause.NEW_GROUP
    lasting = SyncFailure.objects.open().filter(
        group=group, kind=Kind.SYNC_ERROR, created_at__range=(alert.recovered_at, now - LASTING)
    )
    return Cause.REGRESSION if lasting.exists() else None


def _explaining(
    causes: Iterable[Finding], *, open_before: Iterable[Alert], now: datetime
) -> set[int]:
    """The groups of sync errors that people are told of now, or were within the hour: what else
    comes of these is no news."""
    told = {(alert.cause, alert.subject) for alert in open_before}
    news = {cause.subject for cause in causes if (cause.cause, cause.subject) not in told}
    lately = Alert.objects.filter(cause__in=GROUP_CAUSES, started_at__gt=now - TOLD_EVERY)
    subjects = news.union(lately.values_list("subject", flat=True))
    groups = FailureGroup.objects.filter(pk__in=subjects, kind=Kind.SYNC_ERROR)
    return set(groups.values_list("pk", flat=True))


def _failure_rates(now: datetime, *, explaining: Collection[int]) -> Iterator[Finding]:
    """Workspaces in which too many of the latest messages did not reach their lead."""
    updates = StateUpdate.objects.received_since(now - RATE_WINDOW).filter(received_at__lte=now)
    updates = updates.exclude(outcome=Outcome.EXCLUDED)
    failing = _by_workspace(updates.failed())
    if not failing:
        return
    unexplained = _by_workspace(updates.failed().exclude(failure_group__in=explaining))
    limit_of, workspaces = limits(), Workspace.objects.in_bulk(filter(None, failing))
    for pk, total in _by_workspace(updates).items():
        limit = limit_of(pk).max_failure_percent
        if not _is_too_many(failing[pk], total, limit):
            continue
        workspace = workspaces.get(pk)
        yield Finding(
            cause=Cause.FAILURE_RATE,
            subject=workspace.slug if workspace else "",
            workspace_id=pk,
            text=f"{failing[pk]} of {total} messages of the last 15 minutes did not reach their "
            f"lead (limit: {limit} %). {_home(workspace)}",
            is_explained=not _is_too_many(unexplained[pk], total, limit),
        )


def _is_too_many(failing: int, total: int, limit: int) -> bool:
    return failing >= MIN_FAILURES and failing * 100 > limit * total


def _by_workspace(updates: QuerySet[StateUpdate]) -> Counter[int | None]:
    counted = updates.order_by().values_list("state__workspace").annotate(Count("pk"))
    return Counter(dict(counted))


def _silent_workspaces(now: datetime) -> Iterator[Finding]:
    """Workspaces that had messages before, and then none for too long."""
    limit_of = limits()
    for workspace in Workspace.objects.all():
        hours = limit_of(workspace.pk).silent_after_hours
        heard = SarahState.objects.filter(workspace=workspace)
        if heard.active_since(now - timedelta(hours=hours)).exists() or not heard.exists():
            continue
        yield Finding(
            cause=Cause.SILENCE,
            subject=workspace.slug,
            workspace_id=workspace.pk,
            text=f"No message for over {hours} hours. {_home(workspace)} Is its bot running?",
        )


def _backlog(*, is_explained: bool) -> Iterator[Finding]:
    overdue = SarahState.objects.due().filter(next_sync_at__lt=Now() - LATE)
    if count := overdue.order_by()[:MAX_COUNTED].count():
        yield Finding(
            cause=Cause.BACKLOG,
            text=f"Failed syncs that are overdue by more than 10 minutes: {count}"
            f"{' or more' * (count == MAX_COUNTED)}. The workers do not keep up.",
            is_explained=is_explained,
        )


def _floods() -> Iterator[Finding]:
    creating = Workspace.objects.filter(creates_contacts=True, max_created_per_hour__gt=0)
    for workspace in filter(is_flooded, creating):
        yield Finding(
            cause=Cause.FLOOD,
            subject=workspace.slug,
            workspace_id=workspace.pk,
            text=f"{workspace.max_created_per_hour} unknown numbers became leads within an hour, "
            f"which is the limit: no more are created for now, their conversations are kept. "
            f"{_home(workspace)}",
        )


def _home(workspace: Workspace | None) -> str:
    return f"Workspace: {workspace} ({workspace.slug})." if workspace else "Workspace: unknown."
