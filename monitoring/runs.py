"""Runs reconciliations on record: one `SyncRun` each, one at a time."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now

from monitoring.models import STOPPED, RunTrigger, SyncRun
from sarah.reconcile import Drift, reconcile

EVERY = timedelta(hours=1)
AGAIN_AFTER = timedelta(minutes=5)
"""If a run failed, as in an outage."""
BEAT_EVERY = 5.0
"""Seconds."""


def reconcile_hourly(stopped: Callable[[], bool]) -> Drift | None:
    """Reconcile if no run began within the last hour.

    A run that was stopped does not count: after a roll-out the new worker starts again. One that
    failed is made good after a few minutes.
    """
    complete = Q(started_at__gt=Now() - EVERY, error="")
    recent = SyncRun.objects.filter(complete | Q(started_at__gt=Now() - AGAIN_AFTER))
    if recent.exclude(error=STOPPED).exists():
        return None
    return run_reconciliation(trigger=RunTrigger.WORKER, stopped=stopped)


def run_reconciliation(
    *, trigger: str, stopped: Callable[[], bool] = lambda: False
) -> Drift | None:
    """Reconcile on record; returns None if another run is in progress.

    A run that is stopped or fails keeps its counts; the next one starts from the beginning.
    """
    run = SyncRun.objects.begin(trigger=trigger)
    if run is None:
        return None
    drift, error = Drift(), "Failed before it was done."
    beat_at = 0.0
    try:
        for _pause in reconcile(drift):
            if time.monotonic() >= beat_at:
                run.beat(**asdict(drift))
                beat_at = time.monotonic() + BEAT_EVERY
            if stopped():
                error = STOPPED
                break
        else:
            error = ""
    finally:
        run.finish(error=error, **asdict(drift))
    return drift
