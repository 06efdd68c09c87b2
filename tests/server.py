"""The server of production, `manage.py serve`, on the database of the tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

from leadsync.supervisor import STOP_TIMEOUT

HOST = "127.0.0.1"
START_TIMEOUT = 90


@contextmanager
def production_server(*, killed: bool = False) -> Iterator[str]:
    """A server with production's settings; yields its URL. All of it can be killed in the end."""
    with serving("--workers=1", "--no-background-worker", killed=killed) as group:
        yield f"http://{HOST}:{group.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What `manage.py serve` runs (Linux)."""

    process: subprocess.Popen[bytes]
    port: int

    def programs(self, name: str) -> list[int]:
        """The process ids of those of its programs that have this name in their command line."""
        return [pid for pid in children(self.process.pid) if name in command_line(pid)]


def children(pid: int) -> list[int]:
    """The children of a process, oldest first."""
    with suppress(FileNotFoundError):
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return sorted(map(int, listed))
    return []


def descendants(pid: int) -> list[int]:
    return [found for child in children(pid) for found in (child, *descendants(child))]


def command_line(pid: int) -> str:
    with suppress(FileNotFoundError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


@contextmanager
def serving(*options: str, killed: bool = False) -> Iterator[Served]:
    """`manage.py serve` with production's settings on a free port."""
    port = free_port()
    serve = [sys.executable, "manage.py", "serve", f"--host={HOST}", f"--port={port}"]
    process = subprocess.Popen(
        [*serve, *options],
        cwd=settings.BASE_DIR,
        env=os.environ
        | {
            "ALLOWED_HOSTS": HOST,
            "DATABASE_URL": database_url(),
            "DEBUG": "0",
            "LEADSYNC_LOG_LEVEL": "ERROR",
            "LEADSYNC_SPOOL_DIR": str(settings.LEADSYNC_SPOOL_DIR),
            "PYTHONWARNINGS": "ignore:No directory at",
            "SECRET_KEY": "for-the-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
        },
    )
    try:
        _wait_until_alive(port, process)
        yield Served(process=process, port=port)
    finally:
        if killed:
            for pid in [process.pid, *descendants(process.pid)]:
                os.kill(pid, signal.SIGKILL)
        process.terminate()
        process.wait(timeout=STOP_TIMEOUT + START_TIMEOUT)


def database_url() -> str:
    """The URL of the database that the tests use, which is not the one in the environment."""
    name = connection.settings_dict["NAME"]
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_alive(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline and server.poll() is None:
        try:
            probe = HTTPConnection(HOST, port, timeout=START_TIMEOUT)
            probe.request("GET", "/healthz")
            if probe.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            probe.close()
    raise AssertionError("The server does not start; what it has printed above may say why.")
