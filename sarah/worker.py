"""The background worker; any number of them may run, on any number of machines."""

import logging
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from django.db import Error, connection

from leadsync.infra import clock
from monitoring.errors import frames
from monitoring.kinds import Source
from monitoring.models.failures import SyncFailure
from sarah.guards import JobFailed, run_guarded
from sarah.queue import work_batch

logger = logging.getLogger(__name__)

POLL = 1.0
"""Seconds between two checks of an empty queue."""
BEAT_EVERY = 10.0
"""Seconds."""
SQLITE_PAUSE = 0.005
"""Seconds. SQLite does not grant its one write lock in turn: without a pause, a bot waits long."""


class Heartbeats(Protocol):
    """Where workers report that they are alive."""

    def beat(self, worker: str) -> None: ...
    def begin_run(self, worker: str) -> None: ...
    def sign_off(self, worker: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class Job:
    """Something that the worker runs at intervals. May run in several workers at once."""

    run: Callable[[Callable[[], bool]], Any]
    """Gets a function that returns whether to stop; returns None if there was nothing to do."""
    every: float
    """Seconds."""
    due_at: float = 0.0
    is_sound: bool = False
    """Whether it succeeded since it last failed; until then, a success heals its open failures."""


@dataclass(slots=True)
class Worker:
    """Works until it is stopped. If the database is away or not migrated, it logs that and tries
    again."""

    heartbeats: Heartbeats
    jobs: dict[str, Job]
    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    stopping: bool = False
    beat_at: float = 0.0

    def stop(self, *_signal: object) -> None:
        """Stop after the current conversation; usable as a signal handler."""
        self.stopping = True

    def checkpoint(self) -> bool:
        """Send a heartbeat if one is due, let others write, and return whether to stop."""
        now = time.monotonic()
        if now >= self.beat_at:
            self.beat_at = now + BEAT_EVERY
            self.heartbeats.beat(self.name)
            clock.measure()
        if connection.vendor == "sqlite":
            time.sleep(SQLITE_PAUSE)
        return self.stopping

    def run(self) -> None:
        """Work until `stop()` is called."""
        while not self.stopping:
            try:
                outcomes = work_batch(self.checkpoint)
                self.do_jobs()
            except Error as error:
                logger.error("The worker cannot use the database: %s", frames(error))
                connection.close()
                outcomes = Counter()
            if not outcomes and not self.stopping:
                time.sleep(POLL)
        self.sign_off()

    def work_once(self) -> tuple[Counter[str], dict[str, Any]]:
        """Work all that is due now; returns the outcomes of retries and the jobs' results.

        All runs on this machine have one name: the next one is expected when cron starts it.
        """
        self.name = f"{socket.gethostname()}:once"
        self.heartbeats.begin_run(self.name)
        outcomes: Counter[str] = Counter()
        while not self.checkpoint() and (batch := work_batch(self.checkpoint)):
            outcomes += batch
        results = self.do_jobs()
        self.sign_off()
        return outcomes, results

    def do_jobs(self) -> dict[str, Any]:
        """Run the jobs that are due; one that fails does not keep the others from running."""
        results = {}
        for name, job in self.jobs.items():
            if not self.checkpoint() and time.monotonic() >= job.due_at:
                job.due_at = time.monotonic() + job.every
                results[name] = self._do(name, job)
        return results

    def sign_off(self) -> None:
        """Say that the worker was stopped, not killed."""
        with suppress(Error):
            self.heartbeats.sign_off(self.name)

    def _do(self, name: str, job: Job) -> Any:
        try:
            result = run_guarded(partial(job.run, self.checkpoint), what=name)
        except JobFailed:
            job.is_sound = False
            return None
        if result is not None and not job.is_sound:
            SyncFailure.objects.filter(source=Source.BACKGROUND, fingerprint=name).heal()
            job.is_sound = True
        return result
