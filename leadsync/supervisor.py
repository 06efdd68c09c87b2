"""Keeps a group of programs running: restarts what dies, upgrades without a gap, ends all at once.

Upgrades on SIGHUP, where a new version takes over only once it is ready; ends on SIGTERM, and
faster on SIGINT. Knows nothing of what it runs.
"""

import ctypes
import logging
import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.2
"""Seconds."""
STOP_TIMEOUT = 35.0
"""Seconds; longer than granian waits for its workers."""
HASTY_TIMEOUT = 3.0
"""Seconds to end in after Ctrl-C."""
SETTLED = 10.0
"""Seconds of life after which a death is no sign of a program that cannot start."""
MAX_PAUSE = 10.0
READY_TIMEOUT = 60.0
"""Seconds that the new version has to get ready in; after that the old one stays."""
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""From Linux's `prctl.h`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    name: str
    command: Sequence[str]
    inherits: Sequence[int] = ()
    """File descriptors."""
    announces: bool = False
    """Takes `--announce FD`, and writes a byte there when it is ready. Others are ready when they
    have lived for a while."""


@dataclass(slots=True)
class Process:
    """A program's process, with all that it starts: a process group, which no Ctrl-C of the
    terminal reaches."""

    program: Program
    started_at: float = field(default_factory=time.monotonic)
    kill_at: float = float("inf")
    popen: subprocess.Popen[bytes] = field(init=False)
    announcement: int | None = None
    was_orphaned: bool = False

    def __post_init__(self) -> None:
        command, inherits = [*self.program.command], [*self.program.inherits]
        if self.program.announces:
            self.announcement, announce = os.pipe()
            os.set_blocking(self.announcement, False)
            command += ["--announce", str(announce)]
            inherits.append(announce)
        try:
            self.popen = subprocess.Popen(
                command,
                pass_fds=inherits,
                process_group=0,
                preexec_fn=_end_with_parent,  # noqa: PLW1509 (there are no threads here)
            )
        except OSError:
            self._forget()
            raise
        finally:
            if self.program.announces:
                os.close(announce)

    def has_ended(self) -> bool:
        return self.popen.poll() is not None

    def is_ready(self) -> bool:
        if self.announcement is None:
            return self._age() > SETTLED / 2
        with suppress(BlockingIOError):
            return os.read(self.announcement, 1) != b""
        return False

    def is_late(self) -> bool:
        return self._age() > READY_TIMEOUT

    def is_settled(self) -> bool:
        return self._age() > SETTLED

    def leave(self, *, within: float = STOP_TIMEOUT) -> None:
        """Ask it to end, and kill what is left of it after so many seconds."""
        self.kill_at = min(self.kill_at, time.monotonic() + within)
        if not self.has_ended():
            self.popen.terminate()

    def is_gone(self) -> bool:
        """Whether nothing of it is left; helps where something should have ended and has not."""
        has_ended = self.has_ended()
        self._reap_orphans()
        try:
            if time.monotonic() >= self.kill_at:
                os.killpg(self.popen.pid, signal.SIGKILL)
            elif has_ended and not self.was_orphaned:
                self.was_orphaned = True  # it may have been killed, and its children live on
                os.killpg(self.popen.pid, signal.SIGTERM)
            elif has_ended:
                os.killpg(self.popen.pid, 0)
        except ProcessLookupError:
            self._forget()
            return True
        return False

    def _reap_orphans(self) -> None:
        with suppress(ChildProcessError):
            while self.has_ended() and os.waitpid(-self.popen.pid, os.WNOHANG) != (0, 0):
                pass

    def _age(self) -> float:
        return time.monotonic() - self.started_at

    def _forget(self) -> None:
        if self.announcement is not None:
            os.close(self.announcement)
            self.announcement = None


@dataclass(slots=True)
class Supervised:
    """A program with its process at work, the next one during an upgrade, and those that end."""

    program: Program
    current: Process | None = None
    next: Process | None = None
    leaving: list[Process] = field(default_factory=list)
    pause: float = 0.0
    start_at: float = 0.0

    def look(self) -> None:
        """Start what should run and does not, and go on with an upgrade."""
        self.drop_gone()
        if self.next:
            self._look_at_next(self.next)
        if self.current and self.current.has_ended():
            self._note_death(self.current)
        if self.current is None and time.monotonic() >= self.start_at:
            self.current = self._start()

    def drop_gone(self) -> None:
        self.leaving = [process for process in self.leaving if not process.is_gone()]

    def upgrade(self) -> None:
        """Start the program anew; the process at work ends when the new one is ready."""
        if self.next:
            self._retire(self.next)  # of a version between the two
        self.next = self._start()

    def stop(self, *, within: float) -> None:
        for process in filter(None, (self.current, self.next, *self.leaving)):
            self._retire(process, within=within)
        self.current = self.next = None

    def _start(self) -> Process | None:
        try:
            return Process(self.program)
        except OSError as error:  # no memory, or no program while it is being installed
            self.start_at = time.monotonic() + MAX_PAUSE
            logger.error("The %s cannot be started: %s.", self.program.name, error)
            return None

    def _look_at_next(self, process: Process) -> None:
        if process.is_ready():
            logger.info("The new %s is ready and takes over.", self.program.name)
            if self.current:
                self._retire(self.current)
            self.current, self.next, self.pause = process, None, 0.0
        elif process.has_ended() or process.is_late():
            logger.error("The new %s does not start: the old one stays.", self.program.name)
            self._retire(process)
            self.next = None

    def _note_death(self, process: Process) -> None:
        self.pause = 0.0 if process.is_settled() else min(self.pause * 2 or 0.5, MAX_PAUSE)
        self.start_at = time.monotonic() + self.pause
        logger.error(
            "The %s ended by itself (%s) and is started again in %s s.",
            self.program.name,
            process.popen.returncode,
            self.pause,
        )
        self._retire(process)
        self.current = None

    def _retire(self, process: Process, *, within: float = STOP_TIMEOUT) -> None:
        process.leave(within=within)
        if process not in self.leaving:
            self.leaving.append(process)


def supervise(programs: Sequence[Program], *, at_end: Callable[[], None] = lambda: None) -> None:
    """Run the programs until a signal ends them; `at_end` is called before they are told."""
    arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
    for known in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(known, lambda number, _frame: arrived.put(number))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)  # children of a killed program come to us
    has_terminal = sys.stdin is not None and sys.stdin.isatty()
    group = [Supervised(program) for program in programs]
    while (number := _look_until_signal(group, arrived)) == signal.SIGHUP:
        if has_terminal and not sys.stdin.isatty():
            break  # it was closed, which is what SIGHUP says, too
        for supervised in group:
            supervised.upgrade()
    at_end()
    _end(group, arrived, within=HASTY_TIMEOUT if number == signal.SIGINT else STOP_TIMEOUT)


def _look_until_signal(group: Sequence[Supervised], arrived: "queue.SimpleQueue[int]") -> int:
    while True:
        for supervised in group:
            supervised.look()
        with suppress(queue.Empty):
            return arrived.get(timeout=LOOK_EVERY)


def _end(group: Sequence[Supervised], arrived: "queue.SimpleQueue[int]", *, within: float) -> None:
    for supervised in group:
        supervised.stop(within=within)
    while any(supervised.leaving for supervised in group):
        with suppress(queue.Empty):
            if arrived.get(timeout=LOOK_EVERY / 4) == signal.SIGINT:  # once more: no patience
                for supervised in group:
                    supervised.stop(within=0)
        for supervised in group:
            supervised.drop_gone()


def _end_with_parent() -> None:
    """Called in the new process: it is asked to end if the supervisor is killed."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)
