"""How long messages wait for a lock, so that threads of the process stay free for other bots."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.db import OperationalError, connection

from leadsync.infra.db import is_busy

SEATS = 3
"""So many messages may wait as long as usual; a process has four threads by default."""
CROWDED_MS = 200
IN_VAIN_MS = 100
"""Once a message has waited in vain, the next ones do not wait as long."""
IN_VAIN_FOR = 2.0
"""Seconds."""


class Patience:
    """The patience of one process."""

    def __init__(self) -> None:
        self.seats = BoundedSemaphore(SEATS)
        self.in_vain_until = 0.0

    @contextmanager
    def waits(self) -> Iterator[int | None]:
        """The longest wait in milliseconds, None as usual."""
        is_seated = self.seats.acquire(blocking=False)
        try:
            if time.monotonic() < self.in_vain_until:
                yield IN_VAIN_MS
            elif is_seated or connection.vendor == "sqlite":  # its one lock is always contended
                yield None
            else:
                yield CROWDED_MS
        finally:
            if is_seated:
                self.seats.release()

    def note(self, error: BaseException) -> None:
        """Note an error; if somebody held a lock for too long, the next ones wait less."""
        if isinstance(error, OperationalError) and is_busy(error):
            self.in_vain_until = time.monotonic() + IN_VAIN_FOR


patience = Patience()
