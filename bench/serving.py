"""The programs of production, started from here: the server, and manage.py."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.load import CONNECTIONS, Address

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PRODUCTION = {
    "DEBUG": "0",
    "SECRET_KEY": "for-the-benchmark-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    "SECURE_SSL_REDIRECT": "0",
    "ALLOWED_HOSTS": HOST,
    "DJANGO_SETTINGS_MODULE": "leadsync.settings",
    "LEADSYNC_LOG_LEVEL": "ERROR",
    "PYTHONWARNINGS": "ignore:No directory at",
}

# Told to stop, a scenario stops what it has started.
signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    address: Address
    pid: int

    def workers(self) -> list[int]:
        """The process ids of its workers, oldest first (Linux)."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return sorted(int(child) for child in children if _is_worker(child))


@contextmanager
def server(
    *options: str,
    application: str = "leadsync.wsgi:application",
    workers: int = 1,
    quiet: bool = False,
    **environment: str,
) -> Iterator[Server]:
    """granian with this environment, until the block ends; `quiet` drops what it logs."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        address = probe.getsockname()
    fixed = ["--interface=wsgi", "--http=1", "--no-ws", f"--blocking-threads={CONNECTIONS}"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", *fixed, f"--workers={workers}", *options),
            *("--log-level=warning", "--host", HOST, "--port", str(address[1]), application),
        ],
        cwd=ROOT,
        env=os.environ | PRODUCTION | environment,
        stdout=subprocess.DEVNULL if quiet else None,
        stderr=subprocess.DEVNULL if quiet else None,
    )
    try:
        _wait_for(address, process)
        yield Server(address=address, pid=process.pid)
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


def _is_worker(pid: str) -> bool:
    """Python's resource tracker is a child of the server, too."""
    try:
        return b"resource_tracker" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False
