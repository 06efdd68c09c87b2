"""Reconciliation on record: one `SyncRun` for each, one at a time."""

from collections.abc import Callable

from monitoring.models import SyncRun
from sarah.reconcile import Drift, reconcile


def run_reconciliation(
    *, trigger: str, stopped: Callable[[], bool] = lambda: False
) -> Drift | None:
    """Reconcile and keep a record of it; None if another run is under way.

    A run that is stopped or breaks off keeps the counts it had come to; the next one starts anew.
    """
    run = SyncRun.objects.begin(trigger=trigger)
    if run is None:
        return None
    drift, error = Drift(), "Broken off."
    try:
        for _batch in reconcile(drift):
            run.beat(
                checked=drift.checked,
                healed=drift.healed,
                failed=drift.failed,
                still_open=drift.still_open,
            )
            if stopped():
                error = "Stopped before it was done."
                break
        else:
            error = ""
    finally:
        run.finish(error=error)
    return drift
