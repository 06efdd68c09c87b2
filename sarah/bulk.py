"""Bulk runs at work: any number of workers, each run by one at a time, each item in one commit."""

import time
from collections.abc import Callable, Iterator
from functools import partial

from django.db import transaction
from django.utils import timezone

from monitoring.kinds import HEALED_BY_SYNC
from monitoring.models import (
    BulkAction,
    BulkItem,
    BulkResult,
    BulkRun,
    BulkRunQuerySet,
    SyncFailure,
)
from sarah.background import Broken, attempt
from sarah.models import SarahState
from sarah.resync import retry

AT_ONCE = 50
"""A run of so few is worked while the person who asked for it waits."""
PATIENCE = 5.0
"""Seconds a person is made to wait at most."""
RETRIES = 20
CLOSINGS = 100
"""Items between two looks at whether to stop: retries each commit, these are closed together."""


def work_bulk_runs(
    runs: BulkRunQuerySet | None = None,
    *,
    stopped: Callable[[], bool] = lambda: False,
    seconds: float | None = None,
) -> int:
    """Work these runs (all), the oldest first, and return how many items that were.

    Ends when nothing is left, when `stopped` says so, or after about so many seconds; a run that
    is not done by then is left to the next who asks.
    """
    ends_at = None if seconds is None else time.monotonic() + seconds
    waiting = BulkRun.objects.all() if runs is None else runs

    def is_over() -> bool:
        return stopped() or (ends_at is not None and time.monotonic() >= ends_at)

    worked = 0
    while not is_over() and (run := waiting.lease()):
        worked += _work(run, is_over)
    return worked


def _work(run: BulkRun, stopped: Callable[[], bool]) -> int:
    """Work a leased run until it is done, cancelled, or to be left; returns how many items."""
    work = _resolve if run.action == BulkAction.RESOLVE else _retry_each
    size = CLOSINGS if run.action == BulkAction.RESOLVE else RETRIES
    worked = 0
    while items := list(run.to_do().select_related("failure")[:size]):
        for count in work(run, items):
            worked += count
            if stopped():
                run.give_back()
                return worked
            if not run.keep():
                return worked
    run.finish()
    return worked


def _resolve(run: BulkRun, items: list[BulkItem]) -> Iterator[int]:
    """Close these together; what was seen again since it was chosen stays open."""
    seen = {item.failure_id: item.seen_at for item in items if item.failure_id}
    with transaction.atomic():
        closed = SyncFailure.objects.resolve_as_seen(seen, by=run.asked_by, note=run.note)
        for item in items:
            done = item.failure_id in closed
            item.result = BulkResult.RESOLVED if done else BulkResult.LEFT_ALONE
            item.worked_at = timezone.now()
        BulkItem.objects.bulk_update(items, ["result", "worked_at"])
    yield len(items)


def _retry_each(run: BulkRun, items: list[BulkItem]) -> Iterator[int]:
    for item in items:
        state_id = item.failure.state_id if item.failure else None
        try:
            attempt(
                partial(_retry_one, item, by=run.asked_by),
                what=f"the retry of conversation {state_id}",
                state_id=state_id,
            )
        except Broken:
            _write(item, BulkResult.STILL_FAILING)
        yield 1


@transaction.atomic
def _retry_one(item: BulkItem, *, by: str) -> None:
    _write(item, _retry(item.failure, by=by))


def _write(item: BulkItem, result: BulkResult) -> None:
    """Not over what another has written who took the run for abandoned."""
    BulkItem.objects.filter(pk=item.pk, result="").update(result=result, worked_at=timezone.now())


def _retry(failure: SyncFailure | None, *, by: str) -> BulkResult:
    """Sync a failure's conversation again, unless it is over or no sync can mend it."""
    if failure is None or failure.state_id is None or failure.kind not in HEALED_BY_SYNC:
        return BulkResult.LEFT_ALONE
    if not SyncFailure.objects.open().filter(pk=failure.pk).exists():
        is_synced = SarahState.objects.synced().filter(pk=failure.state_id).exists()
        return BulkResult.SYNCED if is_synced else BulkResult.LEFT_ALONE
    result = retry(failure.state_id, by=by)
    if result is None:
        return BulkResult.LEFT_ALONE
    return BulkResult.SYNCED if result.is_fine else BulkResult.STILL_FAILING
