"""The programs of production, started from here: the server, and manage.py."""

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import Address, ask, connect, request

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
THREADS = 4
"""Of each worker: the default of `manage.py serve`."""
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "for-the-benchmark-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    "SECURE_SSL_REDIRECT": "0",
    "ALLOWED_HOSTS": HOST,
    "DJANGO_SETTINGS_MODULE": "leadsync.settings",
    "LEADSYNC_LOG_LEVEL": "ERROR",
    "LEADSYNC_SPOOL_DIR": tempfile.mkdtemp(prefix="leadsync-spool-"),
    "PYTHONWARNINGS": "ignore:No directory at",
}

atexit.register(shutil.rmtree, PRODUCTION["LEADSYNC_SPOOL_DIR"], ignore_errors=True)
# Told to stop, a scenario stops what it has started.
signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    address: Address
    pid: int

    def web_servers(self) -> list[int]:
        """The process ids of what `manage.py serve` started for the web (Linux)."""
        return [child for child in _children(self.pid) if _runs(child, "leadsync.server")]

    def workers(self) -> list[int]:
        """The process ids of their workers, oldest first."""
        servers = self.web_servers()
        children = [child for server in servers for child in _children(server)]
        return sorted(child for child in children if _runs(child, "leadsync.server"))

    def background_workers(self) -> list[int]:
        return [child for child in _children(self.pid) if _runs(child, "sync_worker")]


@contextmanager
def server(
    *options: str,
    application: str = "leadsync.wsgi:application",
    workers: int = 1,
    quiet: bool = False,
    **environment: str,
) -> Iterator[Server]:
    """granian with this environment, until the block ends; `quiet` drops what it logs."""
    address = _free_address()
    fixed = ["--interface=wsgi", "--http=1", "--no-ws", f"--blocking-threads={THREADS}"]
    command = [
        *(sys.executable, "-m", "granian", *fixed, f"--workers={workers}", *options),
        *("--log-level=warning", "--host", HOST, "--port", str(address[1]), application),
    ]
    with _running(command, address, quiet=quiet, **environment) as process:
        yield Server(address=address, pid=process.pid)


@contextmanager
def group(*, workers: int) -> Iterator[Server]:
    """`manage.py serve`, until the block ends; what it logs is dropped."""
    address = _free_address()
    options = [f"--port={address[1]}", f"--workers={workers}", f"--threads={THREADS}"]
    command = [sys.executable, "manage.py", "serve", f"--host={HOST}", *options]
    with _running(command, address, quiet=True) as process:
        with connect(address) as first:  # it listens before it answers
            first.settimeout(60)
            ask(first, request("GET", "/healthz", key=""))
        yield Server(address=address, pid=process.pid)


def _free_address() -> Address:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()


@contextmanager
def _running(
    command: list[str], address: Address, *, quiet: bool, **environment: str
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | PRODUCTION | environment,
        stdout=subprocess.DEVNULL if quiet else None,
        stderr=subprocess.DEVNULL if quiet else None,
    )
    try:
        _wait_for(address, process)
        yield process
    finally:
        process.terminate()
        process.wait()


def manage(*arguments: str) -> subprocess.Popen[str]:
    """Start a command of manage.py; its output is kept for `communicate()`."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | PRODUCTION,
        stdout=subprocess.PIPE,
        text=True,
    )


def run_command(*arguments: str) -> str:
    """Run a command of manage.py to its end and return what it printed, or leave with its error."""
    with manage(*arguments) as command:
        output, _errors = command.communicate()
    if command.returncode:
        sys.exit(f"manage.py {arguments[0]} left with exit code {command.returncode}: {output}")
    return output.strip()


def _wait_for(address: Address, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The server does not start.")


def _children(pid: int) -> list[int]:
    return [int(child) for child in _read(f"/proc/{pid}/task/{pid}/children").split()]


def _runs(pid: int, module: str) -> bool:
    """Python's resource tracker is a child of the server, too."""
    return module in _read(f"/proc/{pid}/cmdline")


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return ""
