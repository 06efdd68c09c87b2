"""The latest messages of each workspace: how many failed, and whether that is over."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from contacts.models import Workspace
from monitoring.health.windows import Rate, journal
from monitoring.limits import MAX_FAILURE_PERCENT, MIN_FAILURES, RATE_WINDOW
from monitoring.models import AlertSettings
from sarah.models import NOT_COUNTED, Outcome

MAX_RECENT = 10_000
"""The most messages that are read, so that it costs no more in a rush."""
QUIET = timedelta(minutes=1)
"""After this long without a failure, one message that went through is enough."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recent(Rate):
    """The messages of one workspace within RATE_WINDOW, without strangers and excluded ones."""

    workspace: Workspace | None = None
    limit: int = MAX_FAILURE_PERCENT
    behind: int = 0
    """Failed, and the conversation has not reached its lead since."""
    in_a_row: int = 0
    """Synced since the last one failed."""
    last_failed_at: datetime | None = None

    @property
    def where(self) -> Any:
        return self.workspace.slug if self.workspace else _("an unknown workspace")

    @property
    def is_over_limit(self) -> bool:
        return self.failed >= MIN_FAILURES and self.ratio * 100 > self.limit

    def goes_through(self, now: datetime) -> bool:
        """Whether the newest messages reach their leads: as many in a row as the limit lets one
        fail of, or one after a minute without a failure."""
        is_quiet = self.last_failed_at is None or now - self.last_failed_at > QUIET
        return self.in_a_row * self.limit >= 100 or (self.in_a_row > 0 and is_quiet)


def recent(
    *,
    now: datetime,
    workspace: Workspace | None = None,
    without: Collection[int] = (),
    seen_by: Any = None,
) -> list[Recent]:
    """Return those of each workspace, or of this one; `without` those that failed for these
    causes, and those whose cause is ignored for now.

    One statement for the messages, two for the names and limits.
    """
    seen = journal(workspace).visible_to(seen_by) if seen_by else journal(workspace)
    updates = seen.received_since(now - RATE_WINDOW).filter(received_at__lte=now)
    latest = (
        updates.counted()
        .exclude(failure_group__in=without)
        .exclude(failure_group__ignored_until__gt=now)
        .order_by("-received_at", "-pk")
        .values_list(
            *("state__workspace", "outcome", "received_at"),
            *("state__synced_at", "state__sync_reason"),
        )
    )
    rows = list(latest[:MAX_RECENT])
    workspaces = Workspace.objects.in_bulk({row[0] for row in rows} - {None})
    limit_of = AlertSettings.limits()
    return [
        Recent(
            workspace=workspaces.get(pk),
            limit=limit_of(pk).max_failure_percent,
            **numbers,
        )
        for pk, numbers in _tally(rows).items()
    ]


def _tally(rows: Iterable[tuple[Any, ...]]) -> Mapping[int | None, dict[str, Any]]:
    """Count these messages, newest first, by workspace. Pure."""
    tallies: dict[int | None, dict[str, Any]] = {}
    for workspace_id, outcome, received_at, synced_at, reason in rows:
        tally = tallies.setdefault(
            workspace_id, {"synced": 0, "failed": 0, "behind": 0, "in_a_row": 0}
        )
        if outcome == Outcome.SYNCED:
            tally["synced"] += 1
            tally["in_a_row"] += not tally["failed"]
            continue
        tally["failed"] += 1
        tally["behind"] += synced_at is None and reason not in NOT_COUNTED
        tally.setdefault("last_failed_at", received_at)
    return tallies
