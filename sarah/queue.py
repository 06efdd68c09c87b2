"""Works the queue of failed syncs: any number of workers, each conversation once."""

from collections import Counter
from collections.abc import Callable
from functools import partial

from django.db import transaction

from sarah.guards import JobFailed, run_guarded
from sarah.models import SarahState, SyncReason
from sarah.retry import retry_due

LEASED_AT_ONCE = 20
"""So few that a batch is done well before its lease runs out, even with slow retries."""

OVERTAKEN = "overtaken"
"""The outcome if a message, a person or another worker was faster."""


def work_batch(stopped: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Retry some of the due conversations; returns the outcomes, empty if nothing is due.

    What is leased and not worked when `stopped` says so is released.
    """
    outcomes: Counter[str] = Counter()
    pks = [] if stopped() else SarahState.objects.lease(LEASED_AT_ONCE)
    for position, pk in enumerate(pks):
        if stopped():
            SarahState.objects.filter(pk__in=pks[position:]).release()
            break
        outcomes[_work(pk)] += 1
    return outcomes


def postpone(state_id: int) -> None:
    """Schedule the next retry of a conversation that failed outside of its guarded sync."""
    with transaction.atomic():
        for state in SarahState.objects.select_for_update(no_key=True).filter(pk=state_id):
            state.postpone()


def _work(pk: int) -> str:
    """Retry one conversation and return the outcome; one that fails outside of the guarded sync is
    postponed, because it must not stop the queue."""
    what = f"the retry of conversation {pk}"
    try:
        result = run_guarded(partial(retry_due, pk), what=what, state_id=pk)
    except JobFailed:
        postpone(pk)
        return SyncReason.SYNC_ERROR
    return OVERTAKEN if result is None else result.reason or "synced"
