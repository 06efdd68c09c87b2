"""A lane for requests that can wait: their sender is patient, and they may come in a burst.

The web server's few threads answer first come, first served: behind a burst of Kapso's deliveries
a bot would wait for all of them. So each process answers those one after the other in threads of
their own, and the others stay free.
"""

import logging
import time
from collections.abc import Callable
from io import BytesIO
from queue import Full, Queue
from threading import Lock, Thread
from typing import Any, Protocol

logger = logging.getLogger(__name__)

PATIENT = "/webhooks/"
"""Paths whose senders wait for seconds, and send again."""
LONGEST = 50
LARGEST = 64 * 1024
"""Bytes. The bodies in the lane are held in memory, and nobody has looked at a signature yet."""
HURRY = 0.25
"""Seconds: as long as nobody waits longer, the lane rests after each answer as long as that took,
so that half of the process's time is the bots'."""
LATE = 0.5
"""Seconds after which a request waits for no turn: the database is slow, or the burst too large."""
THREADS = 3
"""With the web server's four and one that empties the spool: the size of the connections' pool."""


class Respond(Protocol):
    """granian's end of a request."""

    def response_bytes(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None: ...


Answer = Callable[[Respond, dict[str, Any]], Any]


class Lane:
    """Answers who can wait in threads of their own, one at a time, and everybody else at once."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.waiting: Queue[tuple[float, Respond, dict[str, Any]]] = Queue(LONGEST)
        self.turn = Lock()
        for _ in range(THREADS):
            Thread(target=self._work, daemon=True).start()

    @property
    def is_idle(self) -> bool:
        return not self.waiting.unfinished_tasks

    def __call__(self, respond: Respond, environ: dict[str, Any]) -> None:
        """Answer it, or let it wait: the body is read by then, as its end is bound to this call."""
        if not _can_wait(environ):
            self.answer(respond, environ)
            return
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        environ["wsgi.input"] = BytesIO(body)
        try:
            self.waiting.put_nowait((time.monotonic(), respond, environ))
        except Full:
            self.answer(respond, environ)

    def _work(self) -> None:
        while True:
            came, respond, environ = self.waiting.get()
            has_turn = self.turn.acquire(timeout=max(0.0, came + LATE - time.monotonic()))
            began = time.monotonic()
            try:
                self.answer(respond, environ)
            except Exception:
                logger.exception("A request in the lane could not be answered")
                respond.response_bytes(500, [], b"")
            self.waiting.task_done()
            if has_turn:
                if began - came < HURRY:
                    time.sleep(time.monotonic() - began)
                self.turn.release()


def _can_wait(environ: dict[str, Any]) -> bool:
    length = environ.get("CONTENT_LENGTH", "")
    return (
        environ["PATH_INFO"].startswith(PATIENT)
        and length.isdecimal()
        and 0 < int(length[:10]) <= LARGEST
    )
