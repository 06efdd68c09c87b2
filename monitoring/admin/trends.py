"""Trends of causes: messages affected in each of the last 24 hours."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from leadsync.infra.visible import EVERYTHING, reach_of
from monitoring.kinds import HEALED_BY_SYNC
from monitoring.models import FailureGroup
from monitoring.models.causes import failures_seen_by

HOURS = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """Messages that a cause affected, by hour, oldest first; the last hour ends now."""

    hours: tuple[int, ...] = (0,) * HOURS

    @property
    def total(self) -> int:
        return sum(self.hours)

    @property
    def last_hour(self) -> int:
        return self.hours[-1]


def trends_of(causes: Iterable[FailureGroup]) -> dict[int, Trend]:
    """Return the trend of each cause by its primary key, in two statements for all of them.

    Failed syncs are counted in the journal of messages. A refused message never reaches the
    journal, and one saved in part counts there as synced: of these, only each failure's last time
    is known. Counted is what whoever looks at the causes may see.
    """
    journalled: list[int] = []
    others: list[int] = []
    viewer: Any = None
    for cause in causes:
        (journalled if cause.kind in HEALED_BY_SYNC else others).append(cause.pk)
        viewer = getattr(cause, "viewer", None)
    found = _count(journalled, "updates__received_at", _updates_seen_by(viewer))
    found |= _count(others, "failures__last_seen_at", failures_seen_by(viewer))
    return {pk: found.get(pk, Trend()) for pk in [*journalled, *others]}


def _updates_seen_by(user: Any) -> Q:
    reach = reach_of(user) if user else EVERYTHING
    home = "updates__state__workspace"
    mine = Q(**{f"{home}__in": list(reach.slugs)})
    unowned = Q(**{f"{home}__isnull": True}) if reach.has_unowned else Q(pk__in=[])
    return Q() if reach.is_everything else mine | unowned


def _count(causes: list[int], moment: str, mine: Q) -> dict[int, Trend]:
    if not causes:
        return {}
    now = timezone.now()
    starts = [now - timedelta(hours=number) for number in range(HOURS, 0, -1)]
    columns = {
        f"hour_{number}": _between(moment, start, mine) for number, start in enumerate(starts)
    }
    recent = FailureGroup.objects.filter(pk__in=causes, **{f"{moment}__gt": starts[0]})
    rows = recent.annotate(**columns).values_list("pk", *columns)
    return {pk: Trend(hours=tuple(hours)) for pk, *hours in rows}


def _between(moment: str, start: datetime, mine: Q) -> Count:
    within = {f"{moment}__gt": start, f"{moment}__lte": start + timedelta(hours=1)}
    return Count(moment.partition("__")[0], filter=mine & Q(**within))
