"""A demo that runs: `make demo` in a copy of the project."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from django.conf import settings

from tests.server import HOST, free_port

START_TIMEOUT = 120
STOP_TIMEOUT = 60


class Demo:
    """A demo that runs, as far as its summary tells about it."""

    def __init__(self, summary: str) -> None:
        def told(pattern: str) -> str:
            found = re.search(pattern, summary)
            assert found, f"The summary does not tell {pattern!r}:\n{summary}"
            return found[1]

        self.admin = told(r"LeadSync runs on (\S+)/")
        self.login = {
            "username": told(r"\n +user +(\S+)"),
            "password": told(r"\n +password +(\S+)"),
        }
        self.key = told(r"\n +bot key +(\S+)")
        self.question = told(r'curl .*"(http\S+)"')

    def ask(self, key: str) -> requests.Response:
        """What the summary invites to ask with curl, asked with this key."""
        with local_session() as session:
            headers = {"Authorization": f"Bearer {key}"}
            return session.get(self.question, headers=headers, timeout=START_TIMEOUT)

    @contextmanager
    def signed_in(self) -> Iterator[Callable[[str], str]]:
        """A function that reads a page of the admin, as whoever logged in as the summary says."""
        with local_session() as session:

            def page(path: str, form: dict[str, str] | None = None) -> str:
                method = "POST" if form else "GET"
                answer = session.request(
                    method, f"{self.admin}/{path}", data=form, timeout=START_TIMEOUT
                )
                assert answer.status_code == 200, answer
                return answer.text

            page("login/")
            page("login/", self.login | {"csrfmiddlewaretoken": session.cookies["csrftoken"]})
            assert "sessionid" in session.cookies, "The printed password does not open the admin."
            yield page


@contextmanager
def local_session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False  # a proxy cannot reach this machine's loopback
        yield session


def clone_of_project(folder: Path) -> Path:
    """The project as in a fresh clone, but with everything installed already."""
    clone, installed = folder / "clone", Path(sys.prefix)
    not_needed = shutil.ignore_patterns(".*", "var", "tests", "bench")
    shutil.copytree(settings.BASE_DIR, clone, ignore=not_needed)
    venv = clone / ".venv"
    venv.mkdir()
    for folder in filter(Path.is_dir, installed.iterdir()):
        (venv / folder.name).symlink_to(folder)
    shutil.copy(installed / "pyvenv.cfg", venv)
    (venv / "installed-to-run").touch()
    return clone


@contextmanager
def running_demo(clone: Path, *, stop: Callable[[int], None]) -> Iterator[Demo]:
    """`make demo` on a free port; in the end, `stop` gets make's process id and ends it."""
    port, log = free_port(), clone.parent / "log"
    environment = {
        name: value
        for name, value in os.environ.items()
        if "MAKE" not in name and name != "PYTHONUNBUFFERED"  # as people call it
    } | {"DATABASE_URL": f"sqlite:///{clone.parent / 'real.sqlite3'}", "PORT": str(port)}
    with log.open("wb") as output:
        make = subprocess.Popen(
            ["make", "demo"],
            cwd=clone,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Demo(_summary(log, make))
        stop(make.pid)
        make.wait(STOP_TIMEOUT)
        _wait_until_gone(port)
    finally:
        make.terminate()
        make.wait(STOP_TIMEOUT)


def ctrl_c(make: int) -> None:
    """The terminal tells make and all that it has started."""
    os.killpg(make, signal.SIGINT)


def hang_up(make: int) -> None:
    """The terminal is closed."""
    os.killpg(make, signal.SIGHUP)


def _summary(log: Path, make: subprocess.Popen[bytes]) -> str:
    """What is printed until the site is ready."""
    deadline = time.monotonic() + START_TIMEOUT
    while "Ctrl-C stops the demo" not in (printed := log.read_text(errors="replace")):
        assert make.poll() is None, f"The demo has stopped by itself:\n{printed}"
        assert time.monotonic() < deadline, f"The demo does not get ready:\n{printed}"
        time.sleep(0.05)
    return printed


def _wait_until_gone(port: int) -> None:
    deadline = time.monotonic() + STOP_TIMEOUT
    while time.monotonic() < deadline:
        with socket.socket() as caller:
            if caller.connect_ex((HOST, port)):
                return
        time.sleep(0.05)
    raise AssertionError("The demo is over, but its server still answers.")
