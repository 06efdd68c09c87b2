"""Keeping the journal short, and with it the records of monitoring."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db.models import Max, Min
from django.utils import timezone

from monitoring import pruning as monitoring
from monitoring.pruning import delete, never
from sarah.models import StateUpdate, StateUpdateQuerySet

MESSAGES = "messages from Sarah"


def prune(*, days: int | None = None, stopped: Callable[[], bool] = never) -> Counter[str]:
    """Delete what is too old to keep, in small commits, until `stopped` says so; returns how many
    rows of each kind.

    The journal goes by its two settings, the records of monitoring after 90 days; `days` replaces
    both ages. Any number of workers may prune at once.
    """
    deleted = Counter({MESSAGES: delete(too_old(days=days), stopped=stopped)})
    deleted[MESSAGES] += delete(beyond_limit(), stopped=stopped)
    return deleted + monitoring.prune(kept=_kept(days), stopped=stopped)


def prunable(*, days: int | None = None) -> Counter[str]:
    """How many rows `prune` would delete."""
    messages = too_old(days=days) | beyond_limit()
    rows = {MESSAGES: messages, **monitoring.outdated(kept=_kept(days))}
    return +Counter({name: found.order_by().count() for name, found in rows.items()})


def too_old(*, days: int | None = None) -> StateUpdateQuerySet:
    before = timezone.now() - timedelta(days=days or settings.LEADSYNC_JOURNAL_DAYS)
    return StateUpdate.objects.filter(received_at__lt=before).order_by("received_at")


def beyond_limit() -> StateUpdateQuerySet:
    """The oldest messages, those that are over `LEADSYNC_JOURNAL_MAX_ROWS`.

    Keys count up, so the first and the last tell in no time that there cannot be so many. Only if
    there may be, the newest rows are counted off in the index of the key, up to the limit.
    """
    limit = settings.LEADSYNC_JOURNAL_MAX_ROWS
    ends = StateUpdate.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None or ends["last"] - ends["first"] < limit:
        return StateUpdate.objects.none()
    newest = StateUpdate.objects.order_by("-pk").values_list("pk", flat=True)
    surplus = next(iter(newest[limit : limit + 1]), 0)
    return StateUpdate.objects.filter(pk__lte=surplus).order_by("pk")


def _kept(days: int | None) -> timedelta:
    return timedelta(days=days) if days else monitoring.KEPT
