"""The background worker: any number of them, on any number of machines, share the work."""

import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import Error, connection

from monitoring.delivery import deliver_due
from monitoring.errors import frames
from monitoring.models import Heartbeat
from sarah.background import Broken, attempt, heal
from sarah.bulk import work_bulk_runs
from sarah.pruning import prune
from sarah.queue import work_batch
from sarah.reconcile import Drift
from sarah.runs import reconcile_hourly
from sarah.watch import look

logger = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two looks at an empty queue."""
BEAT_EVERY = 10.0
SQLITE_PAUSE = 0.005
"""SQLite does not hand its one writer's lock out in turn: without a pause, a bot waits for long."""


@dataclass(slots=True, kw_only=True)
class Chore:
    """Something that the worker does now and then, beside the queue."""

    run: Callable[[Callable[[], bool]], Any]
    """Gets a function that tells whether to stop; returns None if there was nothing to do."""
    every: float
    """Seconds."""
    due_at: float = 0.0
    is_sound: bool = False
    """Whether this worker has done it since it broke, here or in an earlier worker."""


def chores() -> dict[str, Chore]:
    """All of them may run in several workers at once."""
    return {
        "bulk runs": Chore(run=lambda stopped: work_bulk_runs(stopped=stopped, seconds=5), every=1),
        "reconciliation": Chore(run=reconcile_hourly, every=60),
        "watch": Chore(run=lambda stopped: look(), every=60),
        "alerts": Chore(run=lambda stopped: deliver_due(stopped=stopped), every=5),
        "pruning": Chore(run=lambda stopped: prune(stopped=stopped), every=3600),
    }


@dataclass(slots=True)
class Worker:
    """Works until it is told to stop. A database that is away or not migrated yet does not end it:
    it says so in the log and asks again."""

    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    chores: dict[str, Chore] = field(default_factory=chores)
    stopping: bool = False
    beat_at: float = 0.0

    def stop(self, *_signal: object) -> None:
        """Leave after the conversation at hand; for a signal handler."""
        self.stopping = True

    def is_stopping(self) -> bool:
        """Asked between any two pieces of work, so here a worker also shows that it lives."""
        now = time.monotonic()
        if now >= self.beat_at:
            self.beat_at = now + BEAT_EVERY
            Heartbeat.objects.beat(self.name)
        if connection.vendor == "sqlite":
            time.sleep(SQLITE_PAUSE)
        return self.stopping

    def run(self) -> None:
        """Work until `stop()`."""
        while not self.stopping:
            try:
                outcomes = work_batch(self.is_stopping)
                self.do_chores()
            except Error as error:
                logger.error("The worker cannot use the database: %s", frames(error))
                connection.close()
                outcomes = Counter()
            if not outcomes and not self.stopping:
                time.sleep(POLL)
        self.sign_off()

    def work_once(self) -> tuple[Counter[str], Drift | None]:
        """Everything that is due now; returns the outcomes of the retries, and what the hourly
        reconciliation came to, if it was time for one."""
        outcomes: Counter[str] = Counter()
        while not self.is_stopping() and (batch := work_batch(self.is_stopping)):
            outcomes += batch
        results = self.do_chores()
        self.sign_off()
        return outcomes, results.get("reconciliation")

    def do_chores(self) -> dict[str, Any]:
        """Those whose time has come, each on its own: one that breaks keeps none from its turn."""
        results = {}
        for name, chore in self.chores.items():
            if not self.is_stopping() and time.monotonic() >= chore.due_at:
                chore.due_at = time.monotonic() + chore.every
                results[name] = self._do(name, chore)
        return results

    def sign_off(self) -> None:
        """Take the heartbeat along: a worker that was stopped is not missed."""
        with suppress(Error):
            Heartbeat.objects.filter(worker=self.name).delete()

    def _do(self, name: str, chore: Chore) -> Any:
        try:
            result = attempt(partial(chore.run, self.is_stopping), what=name)
        except Broken:
            chore.is_sound = False
            return None
        if result is not None and not chore.is_sound:
            heal(name)
            chore.is_sound = True
        return result
