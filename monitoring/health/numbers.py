"""Reads the health of the sync from the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.core.cache import cache
from django.db import models
from django.db.models import Count, Max, Min
from django.utils import timezone

from contacts.models import Workspace
from leadsync.infra.db import capped_count
from monitoring.health.diagnosis import RATE_WINDOW, Problem, Vitals, Workers, diagnose
from monitoring.health.windows import Window, recent_rate, windows
from monitoring.kinds import HEALED_BY_SYNC, Kind
from monitoring.models import AlertDelivery, Heartbeat, SyncFailure, SyncRun
from sarah.models import WAITING, SarahState, SarahStateQuerySet

REMEMBERED_SECONDS = 30


class Status(models.TextChoices):
    OK = "ok"
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How many conversations are out of sync, each counted up to just over CAP."""

    due: int
    scheduled: int
    parked: int
    waiting: Mapping[str, int]
    """Waiting for a lead or a workspace, by reason."""
    excluded: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The health of all workspaces or of one."""

    workspace: Workspace | None
    vitals: Vitals
    problems: tuple[Problem, ...]
    windows: Mapping[str, Window]
    """By name, from short to long."""
    open_failures: Mapping[str, int]
    """By kind."""
    backlog: Backlog
    oldest_waiting_at: datetime | None
    """When the oldest open failure that a sync would heal was first seen."""

    @property
    def status(self) -> Status:
        return Status.DEGRADED if self.problems else Status.OK

    @property
    def last_run(self) -> SyncRun | None:
        """The last reconciliation; None for one workspace, because a run is about all."""
        return None if self.workspace else self.vitals.last_run


def health(workspace: Workspace | None = None) -> Health:
    """Read the health of all workspaces or of this one."""
    vitals = read_vitals(workspace)
    failures = SyncFailure.objects.open()
    if workspace:
        failures = failures.filter(workspace_ref=workspace.slug)
    by_kind = failures.order_by().values_list("kind").annotate(Count("pk"))
    waiting = failures.filter(kind__in=HEALED_BY_SYNC, state__isnull=False)
    return Health(
        workspace=workspace,
        vitals=vitals,
        problems=tuple(diagnose(vitals)),
        windows=windows(now=vitals.at, workspace=workspace),
        open_failures=dict.fromkeys(Kind.values, 0) | dict(by_kind),
        backlog=_backlog(_conversations(workspace), vitals),
        oldest_waiting_at=waiting.aggregate(Min("created_at"))["created_at__min"],
    )


def recent_health(workspace: Workspace | None = None) -> Health:
    """The same, cached for 30 seconds: it reads a week of messages."""
    key = f"monitoring.health.{workspace.pk if workspace else 'all'}"
    return cast("Health", cache.get_or_set(key, lambda: health(workspace), REMEMBERED_SECONDS))


def read_vitals(workspace: Workspace | None = None) -> Vitals:
    """Read the vital signs; cheap, however large the tables are."""
    now = timezone.now()
    states = _conversations(workspace)
    deliveries = AlertDelivery.objects.failing()
    if workspace:
        deliveries = deliveries.filter(settings__workspace=workspace)
    return Vitals(
        at=now,
        workers=_workers(),
        oldest_due_at=states.queued().aggregate(Min("next_sync_at"))["next_sync_at__min"],
        recent=recent_rate(since=now - RATE_WINDOW, workspace=workspace),
        parked=capped_count(states.parked()),
        last_run=SyncRun.objects.first(),
        failing_deliveries=capped_count(deliveries),
    )


def _conversations(workspace: Workspace | None) -> SarahStateQuerySet:
    states = SarahState.objects.all()
    return states.filter(workspace=workspace) if workspace else states


def _backlog(states: SarahStateQuerySet, vitals: Vitals) -> Backlog:
    queued, out = states.queued(), states.filter(synced_at__isnull=True)
    return Backlog(
        due=capped_count(queued.filter(next_sync_at__lte=vitals.at)),
        scheduled=capped_count(queued.filter(next_sync_at__gt=vitals.at)),
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
