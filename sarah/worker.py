"""Working the queue of failed syncs: any number of workers, each due conversation once."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now

from monitoring.errors import frames
from monitoring.models import RunTrigger, SyncRun
from sarah.models import SarahState
from sarah.reconcile import Drift
from sarah.resync import retry_due
from sarah.runs import run_reconciliation

logger = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two looks at an empty queue."""
RECONCILED_EVERY = timedelta(hours=1)

LEASE = timedelta(minutes=2)
BATCH_SIZE = 20
"""So few that a batch is done long before its lease runs out, even with slow retries."""


class Worker:
    """Works the queue until it is told to stop, and reconciles every hour.

    A database that is away does not end it: it says so in the log and asks again.
    """

    def __init__(self) -> None:
        self.stopping = False

    def stop(self, *_signal: object) -> None:
        """Leave after the conversation at hand; for a signal handler."""
        self.stopping = True

    def is_stopping(self) -> bool:
        return self.stopping

    def run(self) -> None:
        while not self.stopping:
            try:
                self.work()
            except (OperationalError, InterfaceError) as error:
                logger.error("The worker lost the database: %s", frames(error))
                connection.close()
            time.sleep(POLL)

    def work(self) -> tuple[Counter[str], Drift | None]:
        """Everything that is due now; returns the outcomes of the retries, and what the hourly
        reconciliation came to, if it was time for one."""
        outcomes = work_due(stopped=self.is_stopping)
        recent = SyncRun.objects.filter(started_at__gt=Now() - RECONCILED_EVERY)
        drift = None
        if not self.stopping and not recent.exists():
            drift = run_reconciliation(trigger=RunTrigger.WORKER, stopped=self.is_stopping)
        return outcomes, drift


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


def work_due(*, stopped: Callable[[], bool] = lambda: False) -> Counter[str]:
    """Retry what is due until nothing is left or `stopped` says so; returns the outcomes.

    What is leased and not worked when it stops is given back.
    """
    outcomes: Counter[str] = Counter()
    while not stopped() and (pks := lease_due()):
        for position, pk in enumerate(pks):
            if stopped():
                give_back(pks[position:])
                break
            if result := retry_due(pk):
                outcomes[result.reason or "synced"] += 1
    return outcomes


def give_back(pks: list[int]) -> None:
    SarahState.objects.filter(pk__in=pks).update(leased_until=None)
