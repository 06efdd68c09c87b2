"""Reads the health of the sync from the database, each part on its own."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

from django.core.cache import cache
from django.db.models import Count, Min, Q
from django.utils import timezone

from contacts.models import Contact, Workspace
from leadsync.infra import spool
from leadsync.infra.db import capped_count
from leadsync.infra.visible import reach_of
from leadsync.infra.waits import can_write
from monitoring.health.diagnosis import Spooled, Vitals, Workers, diagnose
from monitoring.health.parts import Parts
from monitoring.health.problems import Problem, Status, status_of
from monitoring.health.recent import recent
from monitoring.health.windows import Window, windows
from monitoring.kinds import HEALED_BY_SYNC, Kind
from monitoring.models import AlertDelivery, Heartbeat, SyncFailure, SyncFailureQuerySet, SyncRun
from sarah.models import WAITING, SarahState, SarahStateQuerySet

logger = logging.getLogger(__name__)

SPOOL_WAIT = 0.2
REMEMBERED_SECONDS = 5
WINDOWS_REMEMBERED_SECONDS = 30
"""Longer: they read a week of messages."""
SECONDS_TO_READ = 5.0
VITALS = "monitoring.vitals"
A_MINUTE = timedelta(minutes=1)


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
    """The health of all workspaces or of one; None is what could not be read."""

    workspace: Workspace | None
    vitals: Vitals
    problems: tuple[Problem, ...]
    windows: Mapping[str, Window] | None
    """By name, from short to long."""
    open_failures: Mapping[str, int] | None
    """By kind."""
    backlog: Backlog | None
    oldest_waiting_at: datetime | None
    """When the oldest open failure that a sync would heal was first seen."""

    @property
    def status(self) -> Status:
        return status_of(self.problems)

    @property
    def last_run(self) -> SyncRun | None:
        """The last reconciliation; None for one workspace, because a run is about all."""
        return None if self.workspace else self.vitals.last_run


def health(workspace: Workspace | None = None, *, parts: Parts | None = None) -> Health:
    """Read the health of all workspaces or of this one."""
    parts = parts or Parts(seconds=SECONDS_TO_READ)
    signs = _signs(workspace, parts)
    failures, at = _failures(workspace), signs["at"]
    waiting = failures.open().filter(kind__in=HEALED_BY_SYNC, state__isnull=False)
    found: dict[str, Any] = {
        "windows": parts.read("messages", lambda: _windows(at, workspace), None),
        "open_failures": parts.read("failures", lambda: _by_kind(failures), None),
        "oldest_waiting_at": parts.read(
            "failures", lambda: waiting.aggregate(oldest=Min("created_at"))["oldest"], None
        ),
        "backlog": _backlog(workspace, signs, parts),
    }
    vitals = Vitals(**signs, unreadable=parts.unreadable)
    return Health(workspace=workspace, vitals=vitals, problems=tuple(diagnose(vitals)), **found)


def recent_health(workspace: Workspace | None = None) -> Health:
    """The same, cached for a few seconds."""
    key = f"monitoring.health.{workspace.pk if workspace else 'all'}"
    return cast("Health", cache.get_or_set(key, lambda: health(workspace), REMEMBERED_SECONDS))


def read_vitals(parts: Parts, *, seen_by: Any = None) -> Vitals:
    """Read the vital signs, as far as `seen_by` may see them; cheap, however large the tables
    are."""
    return Vitals(**_signs(None, parts, seen_by=seen_by), unreadable=parts.unreadable)


def recent_vitals(user: Any) -> Vitals:
    """The same, cached for a few seconds."""
    read = partial(read_vitals, Parts(seconds=SECONDS_TO_READ), seen_by=user)
    key = f"{VITALS}.{reach_of(user).key}"
    return cast("Vitals", cache.get_or_set(key, read, REMEMBERED_SECONDS))


def _signs(workspace: Workspace | None, parts: Parts, *, seen_by: Any = None) -> dict[str, Any]:
    """The vital signs that can be read."""
    now = timezone.now()
    states, failures = _conversations(workspace), _failures(workspace)
    deliveries = AlertDelivery.objects.failing()
    if seen_by:
        states, failures = states.visible_to(seen_by), failures.visible_to(seen_by)
        deliveries = deliveries.visible_to(seen_by)
    if workspace:
        deliveries = deliveries.filter(settings__workspace=workspace)
    queries: dict[str, Callable[[], dict[str, Any]]] = {
        "conversations": lambda: {
            "oldest_due_at": states.queued().aggregate(at=Min("next_sync_at"))["at"],
            "parked": capped_count(states.parked()),
        },
        "messages": lambda: {"recent": recent(now=now, workspace=workspace, seen_by=seen_by)},
        "failures": lambda: {"is_healing": _is_healing(failures, now)},
        "workers": lambda: {"workers": Workers(**Heartbeat.objects.numbers())},
        "reconciliations": lambda: {"last_run": SyncRun.objects.first()},
        "alerts": lambda: {"failing_deliveries": capped_count(deliveries)},
    }
    signs: dict[str, Any] = {
        "at": now,
        "is_writable": can_write(SarahState._meta.db_table, Contact._meta.db_table),
        "spooled": spooled(),
    }
    nothing: dict[str, Any] = {}
    for name, query in queries.items():
        signs |= parts.read(name, query, nothing)
    return signs


def spooled() -> Spooled:
    """What the spool of this machine holds and had to refuse."""
    try:
        contents = spool.contents(wait=SPOOL_WAIT)
    except spool.SpoolUnavailable as error:
        logger.error("The spool cannot be read: %s", error)
        return Spooled(is_usable=False)
    refusals = contents.refusals
    first = [at for at in (contents.oldest_at, refusals.first_at) if at]
    last = [at for at in (contents.newest_at, refusals.last_at) if at]
    return Spooled(
        stored=contents.waiting,
        refused=refusals.count,
        first_at=datetime.fromtimestamp(min(first), UTC) if first else None,
        last_at=datetime.fromtimestamp(max(last), UTC) if last else None,
    )


def _conversations(workspace: Workspace | None) -> SarahStateQuerySet:
    states = SarahState.objects.all()
    return states.filter(workspace=workspace) if workspace else states


def _failures(workspace: Workspace | None) -> SyncFailureQuerySet:
    failures = SyncFailure.objects.all()
    return failures.filter(workspace_ref=workspace.slug) if workspace else failures


def _by_kind(failures: SyncFailureQuerySet) -> dict[str, int]:
    counted = failures.open().order_by().values_list("kind").annotate(Count("pk"))
    return dict.fromkeys(Kind.values, 0) | dict(counted)


def _is_healing(failures: SyncFailureQuerySet, now: datetime) -> bool:
    since = now - A_MINUTE
    of_sync = failures.filter(kind__in=HEALED_BY_SYNC).exclude(kind=Kind.CONTACT_NOT_FOUND)
    lately = of_sync.aggregate(
        closed=Count("pk", filter=Q(resolved_at__gte=since)),
        opened=Count("pk", filter=Q(resolved_at__isnull=True, created_at__gte=since)),
    )
    return bool(lately["closed"] > lately["opened"])


def _windows(now: datetime, workspace: Workspace | None) -> Mapping[str, Window]:
    key = f"monitoring.windows.{workspace.pk if workspace else 'all'}"
    return cast(
        "Mapping[str, Window]",
        cache.get_or_set(
            key, lambda: windows(now=now, workspace=workspace), WINDOWS_REMEMBERED_SECONDS
        ),
    )


def _backlog(workspace: Workspace | None, signs: Mapping[str, Any], parts: Parts) -> Backlog | None:
    if "parked" not in signs:
        return None
    states, at = _conversations(workspace), signs["at"]
    queued, out = states.queued(), states.filter(synced_at__isnull=True)
    return parts.read(
        "conversations",
        lambda: Backlog(
            due=capped_count(queued.filter(next_sync_at__lte=at)),
            scheduled=capped_count(queued.filter(next_sync_at__gt=at)),
            parked=signs["parked"],
            waiting={why.value: capped_count(out.filter(sync_reason=why)) for why in WAITING},
            excluded=capped_count(states.excluded()),
        ),
        None,
    )
