"""The web server: granian on a socket that the supervisor opened, with workers that leave politely.

granian by itself opens a socket for each worker. Whoever waits in the queue of one that ends is
reset, and so is whoever a worker has accepted and not read yet: each restart cost some messages.
"""

import argparse
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from threading import Thread, get_ident
from typing import Any

import granian._signals
import granian.server.mp
from granian._granian import SocketHolder, WorkerSignal
from granian.server import MPServer

from leadsync.lane import Answer, Lane

BACKLOG = 1024
DRAIN = 1.0
"""Seconds in which a worker that is to end answers what it has accepted, and lets those who keep
their connection go elsewhere with the next request."""
LINGER = 5.0
"""Seconds after which it leaves connections behind on which nothing is being answered."""
KILL_AFTER = 30
"""Seconds after which a worker that still answers is killed."""
SWITCH = 0.001
"""Seconds for which a thread keeps the interpreter while others wait for it. Python has 0.005: so
long a bot's request would wait, each time that the database has answered it, beside a page that is
being built or a delivery that is worked."""

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Server(MPServer):
    """granian with one socket for all workers, which lives on when they end."""

    def __init__(self, *, listener: int, **options: Any) -> None:
        super().__init__("leadsync.wsgi:application", **options)
        self.listener = listener

    def _init_shared_socket(self) -> None:
        self._ssp = self._sso = None
        holder: Any = SocketHolder
        self._shd = holder(self.listener, False, BACKLOG)

    def _drop_shared_socket(self) -> None:
        """Called before the workers are told to end, the last of which closes the socket then."""
        leave(self.listener)


class Draining:
    """A worker's end: it accepts nothing more, answers what it has, and then stops granian."""

    def __init__(self, listener: int) -> None:
        self.listener = listener
        self.has_begun = False
        self.at_work: set[int] = set()
        """The threads that are answering."""
        self.lane: Lane | None = None

    def signals(self) -> WorkerSignal:
        """In place of granian's `set_sync_signals`, which drops what is accepted and not read."""
        stopped = WorkerSignal()
        ending = Thread(target=self._end, args=[stopped], daemon=True)

        def begin(*_signal: object) -> None:
            if not self.has_begun:
                self.has_begun = True
                leave(self.listener)
                ending.start()

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, begin)
        return stopped

    def wrap(self, application: Application) -> Application:
        """Close each connection after its answer once the end has begun."""

        def drained(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if self.has_begun:
                start_response = partial(_start_last_response, start_response)
            self.at_work.add(get_ident())
            try:
                return application(environ, start_response)
            finally:
                self.at_work.discard(get_ident())

        return drained

    def with_lane(self, wrap: Callable[..., Answer]) -> Callable[..., Answer]:
        """In place of granian's way to call the application: who can wait, waits in a lane."""

        def wrapped(*arguments: Any) -> Answer:
            self.lane = Lane(wrap(*arguments))
            return self.lane

        return wrapped

    def _end(self, stopped: WorkerSignal) -> None:
        """Stop granian. Version 2.8 sometimes waits without an end for a connection on which nobody
        asks anything, so leave it then."""
        time.sleep(DRAIN)
        stopped.set()
        while True:
            time.sleep(LINGER)
            if not self.at_work and (self.lane is None or self.lane.is_idle):
                os._exit(0)


def _start_last_response(start: Callable[..., Any], status: str, headers: Any, *rest: Any) -> Any:
    return start(status, [*headers, ("Connection", "close")], *rest)


def leave(listener: int) -> None:
    """Let this process accept nothing more; others may go on with the same socket.

    granian holds copies of the descriptor and has no call for this, so each is replaced by a socket
    to which nobody connects.
    """
    inode = os.fstat(listener).st_ino
    with socket.socket() as nobody:
        nobody.setblocking(False)
        nobody.listen()
        for entry in Path("/dev/fd").iterdir():
            try:
                if os.fstat(int(entry.name)).st_ino == inode:
                    os.dup2(nobody.fileno(), int(entry.name))
            except OSError:
                continue  # closed since it was listed


def load(listener: int, announce: int | None, *_target: object) -> Application:
    """Load the application in a worker, and announce that there is one."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # the parent's handlers end nothing here
    sys.setswitchinterval(SWITCH)
    from leadsync.wsgi import application

    draining = Draining(listener)
    granian._signals.set_sync_signals = draining.signals
    granian.server.mp._wsgi_call_wrap = draining.with_lane(granian.server.mp._wsgi_call_wrap)
    if announce is not None:
        os.write(announce, b".")
    return draining.wrap(application)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m leadsync.server", description=__doc__)
    parser.add_argument("--listener", type=int, required=True, help="an open socket's descriptor")
    parser.add_argument("--announce", type=int, help="where a byte tells that a worker is ready")
    parser.add_argument("--workers", type=int, required=True)
    parser.add_argument("--threads", type=int, required=True)
    options = parser.parse_args()
    multiprocessing.set_start_method("fork")  # the descriptors stay what they are
    server = Server(
        listener=options.listener,
        interface="wsgi",
        http="1",
        websockets=False,
        workers=options.workers,
        blocking_threads=options.threads,
        backlog=BACKLOG,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_AFTER,
        log_level="error",  # it warns of killing workers that have just ended by themselves
    )
    server.serve(target_loader=partial(load, options.listener, options.announce), wrap_loader=False)


if __name__ == "__main__":
    main()
