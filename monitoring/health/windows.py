"""Statistics of messages: outcomes and durations of the last hour, day and week."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from django.db.models import Case, CharField, Count, Q, Value, When

from contacts.models import Workspace
from sarah.models import Outcome, StateUpdate, StateUpdateQuerySet

LENGTHS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "7d": timedelta(days=7)}
"""By name, from short to long."""
MAX_RECENT = 10_000
"""The most messages that a recent rate counts, so that it costs no more in a rush."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many messages reached their lead, and how many should have and did not."""

    synced: int = 0
    failed: int = 0

    @property
    def ratio(self) -> float:
        """The share that failed, 0 to 1; 0 without messages."""
        return self.failed / max(self.synced + self.failed, 1)

    @property
    def rounded_ratio(self) -> float:
        return round(self.ratio, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Rate):
    """Messages received since a point in time. Milliseconds are None if there were none."""

    excluded: int = 0
    by_outcome: Mapping[str, int]
    p50_ms: int | None = None
    p95_ms: int | None = None
    max_ms: int | None = None

    @property
    def messages(self) -> int:
        return self.synced + self.failed + self.excluded


def windows(*, now: datetime, workspace: Workspace | None = None) -> dict[str, Window]:
    """Return the statistics of the last hour, day and week until `now`, in one statement.

    It counts by duration as well. Percentiles computed from these counts are the same on either
    database, and there are as many rows as different durations, not messages.
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


def recent_rate(*, since: datetime, workspace: Workspace | None = None) -> Rate:
    """Return the rate of the messages since then, of the last `MAX_RECENT` at most."""
    latest = journal(workspace).filter(received_at__gt=since).order_by("-received_at")
    counts = latest[:MAX_RECENT].aggregate(
        failed=Count("pk", filter=~Q(outcome__in=[Outcome.SYNCED, Outcome.EXCLUDED])),
        synced=Count("pk", filter=Q(outcome=Outcome.SYNCED)),
    )
    return Rate(**counts)


def journal(workspace: Workspace | None) -> StateUpdateQuerySet:
    """Return all messages, or those of conversations in this workspace."""
    updates = StateUpdate.objects.all()
    return updates.filter(state__workspace=workspace) if workspace else updates


def _window(counts: Counter[tuple[str, int]]) -> Window:
    by_outcome: Counter[str] = Counter(dict.fromkeys(Outcome.values, 0))
    by_duration: Counter[int] = Counter()
    for (outcome, duration), count in counts.items():
        by_outcome[outcome] += count
        by_duration[duration] += count
    synced, excluded = by_outcome[Outcome.SYNCED], by_outcome[Outcome.EXCLUDED]
    return Window(
        synced=synced,
        excluded=excluded,
        failed=by_outcome.total() - synced - excluded,
        by_outcome=dict(by_outcome),
        p50_ms=percentile(by_duration, 0.5),
        p95_ms=percentile(by_duration, 0.95),
        max_ms=max(by_duration, default=None),
    )


def percentile(counts: Mapping[int, int], share: float) -> int | None:
    """Return the smallest value that at least this share of all does not exceed (nearest rank)."""
    rank, seen = share * sum(counts.values()), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= rank:
            return value
    return None
