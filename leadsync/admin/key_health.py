"""What came with a key: its last message, the share that failed, and what was refused."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.utils import timezone

from leadsync.models import ApiKey
from monitoring.models import RefusedBody
from sarah.models import NOT_COUNTED, Outcome, StateUpdate

LATELY = timedelta(hours=24)
SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """The messages of a key in the last 24 hours."""

    messages: int = 0
    failed: int = 0
    last_at: datetime | None = None

    @property
    def percent(self) -> int:
        return round(100 * self.failed / self.messages) if self.messages else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHealth:
    first: StateUpdate | None
    last: StateUpdate | None
    has_asked: bool
    """Whether the bot has used the key at all."""
    refused: list[RefusedBody] = field(default_factory=list)
    lately: Lately


def health_of(key: ApiKey) -> KeyHealth:
    updates = StateUpdate.objects.filter(key=key).select_related("state")
    refused = RefusedBody.objects.filter(key=key).order_by("-received_at", "-pk")
    return KeyHealth(
        first=updates.order_by("received_at").first(),
        last=updates.order_by("-received_at").first(),
        has_asked=key.last_used_at is not None,
        refused=list(refused[:SHOWN]),
        lately=lately([key.pk]).get(key.pk, Lately()),
    )


def lately(keys: Iterable[int]) -> Mapping[int, Lately]:
    """Count the last 24 hours of these keys, in one statement."""
    failed = ~Q(outcome__in=[Outcome.SYNCED, *NOT_COUNTED])
    since = StateUpdate.objects.received_since(timezone.now() - LATELY).filter(key__in=list(keys))
    rows: Any = (
        since.order_by()
        .values("key")
        .annotate(
            messages=Count("pk"), failed=Count("pk", filter=failed), last_at=Max("received_at")
        )
    )
    return {row.pop("key"): Lately(**row) for row in rows}
