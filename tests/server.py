"""The server of production, granian, on the database of the tests."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection

HOST = "127.0.0.1"
START_TIMEOUT = 30


@contextmanager
def production_server(*, ends_by: int = signal.SIGTERM) -> Iterator[str]:
    """A server with production's settings; yields its URL. Its group gets the signal at the end."""
    port = free_port()
    options = ["--interface=wsgi", "--no-ws", "--blocking-threads=4", "--log-level=warning"]
    server = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", *options),
            *("--host", HOST, "--port", str(port), "leadsync.wsgi:application"),
        ],
        cwd=settings.BASE_DIR,
        process_group=0,
        env=os.environ
        | {
            "ALLOWED_HOSTS": HOST,
            "DATABASE_URL": database_url(),
            "DEBUG": "0",
            "LEADSYNC_SPOOL_DIR": str(settings.LEADSYNC_SPOOL_DIR),
            "PYTHONWARNINGS": "ignore:No directory at",
            "SECRET_KEY": "for-the-tests-only-0123456789-abcdefghijklmnopqrstuvwxyz",
        },
    )
    try:
        _wait_until_alive(port, server)
        yield f"http://{HOST}:{port}"
    finally:
        os.killpg(server.pid, ends_by)
        server.wait(timeout=10)


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
            probe = HTTPConnection(HOST, port, timeout=1)
            probe.request("GET", "/healthz")
            if probe.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            probe.close()
    raise AssertionError("The server does not start; what it has printed above may say why.")
