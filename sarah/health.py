"""How the sync is doing: the one place that knows, for people and for machines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.core.cache import cache
from django.db import models
from django.db.models import Count, Max, Min
from django.utils import timezone

from contacts.counts import capped_count
from contacts.models import Workspace
from monitoring.kinds import HEALED_BY_SYNC, Kind
from monitoring.models import AlertDelivery, Heartbeat, SyncFailure, SyncRun
from sarah.diagnosis import RATE_WINDOW, Problem, Run, Vitals, Workers, diagnose
from sarah.models import WAITING, SarahState, SarahStateQuerySet
from sarah.windows import Window, recent_rate, windows

REMEMBERED_SECONDS = 30


class Status(models.TextChoices):
    OK = "ok"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Conversations that are out of sync, up to just over CAP of each."""

    due: int
    scheduled: int
    parked: int
    waiting: Mapping[str, int]
    """For a lead or a workspace, by reason."""
    excluded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """All of it."""

    vitals: Vitals
    problems: tuple[Problem, ...]
    windows: tuple[Window, ...]
    open_failures: Mapping[str, int]
    """By kind."""
    backlog: Backlog
    oldest_waiting_at: datetime | None
    """Since when the oldest open failure waits that a sync would heal."""

    @property
    def status(self) -> Status:
        return Status.DEGRADED if self.problems else Status.OK


def health(workspace: Workspace | None = None) -> Health:
    """How the sync is doing right now, in all workspaces or in this one.

    Workers are the same for all; a reconciliation goes through all workspaces, so its numbers are
    left out for one.
    """
    vitals = read_vitals(workspace)
    failures = SyncFailure.objects.open()
    if workspace:
        failures = failures.filter(workspace_ref=workspace.slug)
    by_kind = failures.order_by().values_list("kind").annotate(Count("pk"))
    waiting = failures.filter(kind__in=HEALED_BY_SYNC, state__isnull=False)
    return Health(
        vitals=vitals,
        problems=tuple(diagnose(vitals)),
        windows=windows(now=vitals.at, workspace=workspace),
        open_failures=dict.fromkeys(Kind.values, 0) | dict(by_kind),
        backlog=_backlog(_conversations(workspace), vitals),
        oldest_waiting_at=waiting.aggregate(Min("created_at"))["created_at__min"],
    )


def recent_health(workspace: Workspace | None = None) -> Health:
    """The same, at most half a minute old, for those who ask often: it reads a week of messages."""
    key = f"sarah.health.{workspace.pk if workspace else 'all'}"
    return cast("Health", cache.get_or_set(key, lambda: health(workspace), REMEMBERED_SECONDS))


def read_vitals(workspace: Workspace | None = None) -> Vitals:
    now = timezone.now()
    states = _conversations(workspace)
    deliveries = AlertDelivery.objects.failing()
    if workspace:
        deliveries = deliveries.filter(settings__workspace=workspace)
    return Vitals(
        at=now,
        workers=_workers(),
        oldest_due_at=_retried(states).aggregate(Min("next_sync_at"))["next_sync_at__min"],
        recent=recent_rate(since=now - RATE_WINDOW, workspace=workspace),
        parked=capped_count(states.parked()),
        last_run=next(iter(last_runs()), None),
        failing_deliveries=capped_count(deliveries),
    )


def _conversations(workspace: Workspace | None) -> SarahStateQuerySet:
    states = SarahState.objects.all()
    return states.filter(workspace=workspace) if workspace else states


def _retried(states: SarahStateQuerySet) -> SarahStateQuerySet:
    return states.filter(synced_at__isnull=True, next_sync_at__isnull=False)


def _backlog(states: SarahStateQuerySet, vitals: Vitals) -> Backlog:
    retried, out = _retried(states), states.filter(synced_at__isnull=True)
    return Backlog(
        due=capped_count(retried.filter(next_sync_at__lte=vitals.at)),
        scheduled=capped_count(retried.filter(next_sync_at__gt=vitals.at)),
        parked=vitals.parked,
        waiting={why.value: capped_count(out.filter(sync_reason=why)) for why in WAITING},
        excluded=capped_count(states.excluded()),
    )


def _workers() -> Workers:
    workers = Heartbeat.objects
    return Workers(
        alive=workers.alive().count(),
        dead=workers.dead().count(),
        last_beat_at=workers.aggregate(Max("beat_at"))["beat_at__max"],
    )


def last_runs(limit: int = 1) -> list[Run]:
    """The last reconciliations, latest first."""
    runs = SyncRun.objects.order_by("-started_at", "-pk").values(*Run.__dataclass_fields__)
    return [Run(**run) for run in runs[:limit]]
