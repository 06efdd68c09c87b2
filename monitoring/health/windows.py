"""Statistics of the journal: messages, outcomes and latency of the last hour, day and week."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from django.db.models import Case, CharField, Count, Value, When

from contacts.models import Workspace
from sarah.models import NOT_COUNTED, Outcome, StateUpdate, StateUpdateQuerySet

LENGTHS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
"""By name, from short to long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many messages were synced, and how many should have been and were not."""

    synced: int = 0
    failed: int = 0

    @property
    def ratio(self) -> float:
        """The share of messages that failed, 0 to 1; 0 if there were none."""
        return self.failed / max(self.synced + self.failed, 1)

    @property
    def rounded_ratio(self) -> float:
        return round(self.ratio, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Rate):
    """Statistics of one period. Milliseconds are None if no message came in."""

    excluded: int = 0
    unknown: int = 0
    """From people who are no leads: news, not failures."""
    by_outcome: Mapping[str, int]
    p50_ms: int | None = None
    p95_ms: int | None = None
    max_ms: int | None = None

    @property
    def messages(self) -> int:
        return self.synced + self.failed + self.excluded + self.unknown


def windows(*, now: datetime, workspace: Workspace | None = None) -> dict[str, Window]:
    """Return the statistics of the last hour, day and week before `now`, in one statement.

    It groups by duration, too, and computes the percentiles from these counts: the same on both
    databases, with as many rows as there are different durations.
    """
    parts: dict[str, Counter[tuple[str, int]]] = {name: Counter() for name in LENGTHS}
    part = Case(
        *(When(received_at__gt=now - length, then=Value(name)) for name, length in LENGTHS.items()),
        output_field=CharField(),
    )
    since = journal(workspace).filter(received_at__gt=now - max(LENGTHS.values()))
    rows = since.annotate(part=part).values_list("part", "outcome", "duration_ms")
    for name, outcome, duration, count in rows.annotate(Count("pk")).order_by():
        parts[name][outcome, duration] = count
    # Each contains the shorter ones.
    together = accumulate(parts.values())
    return {name: _window(counts) for name, counts in zip(parts, together, strict=True)}


def journal(workspace: Workspace | None) -> StateUpdateQuerySet:
    """The messages of this workspace, or all."""
    updates = StateUpdate.objects.all()
    return updates.filter(state__workspace=workspace) if workspace else updates


def _window(counts: Counter[tuple[str, int]]) -> Window:
    by_outcome: Counter[str] = Counter(dict.fromkeys(Outcome.values, 0))
    by_duration: Counter[int] = Counter()
    for (outcome, duration), count in counts.items():
        by_outcome[outcome] += count
        by_duration[duration] += count
    synced = by_outcome[Outcome.SYNCED]
    not_counted = [by_outcome[outcome] for outcome in NOT_COUNTED]
    return Window(
        synced=synced,
        excluded=by_outcome[Outcome.EXCLUDED],
        unknown=by_outcome[Outcome.CONTACT_NOT_FOUND],
        failed=by_outcome.total() - synced - sum(not_counted),
        by_outcome=dict(by_outcome),
        p50_ms=percentile(by_duration, 0.5),
        p95_ms=percentile(by_duration, 0.95),
        max_ms=max(by_duration, default=None),
    )


def percentile(counts: Mapping[int, int], share: float) -> int | None:
    """The smallest value that at least this share of all values does not exceed (nearest rank)."""
    rank, seen = share * sum(counts.values()), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= rank:
            return value
    return None
