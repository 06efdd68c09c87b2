"""Resolves failures by hand: closes them, and stops the retries of their conversations.

The bot's next message syncs as ever; if that fails, it opens a new failure.
"""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from leadsync.infra.db import batches
from monitoring.kinds import HEALED_BY_SYNC
from monitoring.models.causes import FailureGroup
from monitoring.models.failures import SyncFailure, SyncFailureQuerySet
from sarah.models import SarahState


def resolve_failures(
    failures: SyncFailureQuerySet, *, by: str, note: str = "", seen_until: datetime | None = None
) -> int:
    """Resolve the open ones of these, in small commits, signed `by`; return how many.

    Only those last seen before the person asked (now): what failed since stays open. `synced_at`
    stays, because a conversation that a person gave up on is still out of sync.
    """
    asked = failures.open().filter(last_seen_at__lte=seen_until or timezone.now())
    seen = list(asked.order_by("pk").values_list("pk", "last_seen_at"))
    return sum(_resolve(dict(batch), by=by, note=note) for batch in batches(seen))


def resolve_cause(
    cause: FailureGroup,
    *,
    by: str,
    note: str = "",
    among: SyncFailureQuerySet | None = None,
) -> int:
    """Resolve a cause: close its open failures, or those of them that are `among` these; returns
    how many.

    A failure that is seen meanwhile stays open, and the cause is *back again*. A cause that also
    has others is not over with these.
    """
    now, all_of_it = timezone.now(), SyncFailure.objects.filter(group=cause)
    failures = all_of_it if among is None else among.filter(group=cause)
    if not all_of_it.exclude(pk__in=failures.values("pk")).exists():
        FailureGroup.objects.filter(pk=cause.pk).mark_resolved(by=by, note=note, at=now)
    return resolve_failures(failures, by=by, note=note, seen_until=now)


@transaction.atomic
def _resolve(seen: Mapping[int, datetime], *, by: str, note: str) -> int:
    failures = SyncFailure.objects.filter(pk__in=seen)
    # Lock the conversations first: a message that fails right now has locked its own.
    about = failures.filter(state__isnull=False).values_list("state_id", flat=True)
    states = SarahState.objects.filter(pk__in=list(about)).order_by("pk")
    list(states.select_for_update(no_key=True).values_list("pk"))
    resolved = failures.mark_resolved(as_seen=seen, by=by, note=note)
    about_syncs = failures.filter(pk__in=resolved, kind__in=HEALED_BY_SYNC)
    SarahState.objects.filter(pk__in=about_syncs.values_list("state_id")).give_up(by=by)
    return len(resolved)
