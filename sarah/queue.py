"""The queue of failed syncs: any number of workers, each due conversation once."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models.functions import Now

from sarah.background import Broken, attempt
from sarah.models import SarahState, SyncReason
from sarah.resync import postpone, retry_due

LEASE = timedelta(minutes=2)
BATCH_SIZE = 20
"""So few that a batch is done long before its lease runs out, even with slow retries."""

OVERTAKEN = "overtaken"
"""A message, a person or another worker was faster."""


def lease_due(limit: int = BATCH_SIZE) -> list[int]:
    """Take up to `limit` due conversations for this worker alone, the longest due first.

    Leases run out by the database's clock, so those of a killed worker are taken over. Workers
    that ask at once skip each other's rows; SQLite has one writer and needs no skipping.
    """
    with transaction.atomic():
        due = SarahState.objects.due().order_by("next_sync_at", "pk")
        pks = list(
            due.select_for_update(skip_locked=True, no_key=True).values_list("pk", flat=True)[
                :limit
            ]
        )
        SarahState.objects.filter(pk__in=pks).update(leased_until=Now() + LEASE)
    return pks


def work_batch(stopped: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Retry some of what is due; returns the outcomes, none if nothing is.

    What is leased and not worked when `stopped` says so is given back.
    """
    outcomes: Counter[str] = Counter()
    pks = [] if stopped() else lease_due()
    for position, pk in enumerate(pks):
        if stopped():
            give_back(pks[position:])
            break
        outcomes[_work(pk)] += 1
    return outcomes


def give_back(pks: list[int]) -> None:
    SarahState.objects.filter(pk__in=pks).update(leased_until=None)


def _work(pk: int) -> str:
    """The outcome of one retry; one that breaks outside of the guarded sync is put off, since
    it must not stop the queue."""
    try:
        result = attempt(lambda: retry_due(pk), what=f"the retry of conversation {pk}", state_id=pk)
    except Broken:
        postpone(pk)
        return SyncReason.SYNC_ERROR
    return OVERTAKEN if result is None else result.reason or "synced"
