"""The processor time that requests take, which hardly moves when the machine is busy (Linux)."""

import os
from collections.abc import Iterable
from pathlib import Path

from django.db import connection

MS_PER_TICK = 1000 / os.sysconf("SC_CLK_TCK")


def server_ms(pid: int) -> float:
    """Milliseconds used so far by the web server and its workers."""
    return _ms([pid, *_children(pid)])


def database_ms() -> float:
    """Milliseconds used so far by the processes of this PostgreSQL, those that ended included."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (backend,) = cursor.fetchone()
    postmaster = int(_stat(backend)[1])
    return _ms([postmaster, *_children(postmaster)])


def _ms(pids: Iterable[int]) -> float:
    # utime, stime, and those of children that ended
    return sum(sum(map(int, _stat(pid)[11:15])) for pid in pids) * MS_PER_TICK


def _children(pid: int) -> list[int]:
    return list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; the second may contain spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
