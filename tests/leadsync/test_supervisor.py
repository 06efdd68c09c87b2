"""The supervisor with small programs: what dies comes back, a failed upgrade changes nothing."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from django.conf import settings

pytestmark = pytest.mark.slow

PATIENCE = 60
PROGRAM = """
import os, pathlib, sys, time
version = pathlib.Path("version").read_text()
with open("started", "a") as started:
    print(version, os.getpid(), file=started, flush=True)
if version == "broken":
    sys.exit(1)
os.write(int(sys.argv[-1]), b".")
time.sleep(600)
"""
STUBBORN = f"""
import pathlib, signal
signal.signal(signal.SIGTERM, lambda *_: pathlib.Path("asked").touch())
{PROGRAM}
"""
GROUP = """
import sys
from leadsync import supervisor
from leadsync.supervisor import Program, supervise
supervisor.HASTY_TIMEOUT = 600  # a second Ctrl-C needs no patience
command = ["./python", "-c", sys.argv[1]]
supervise([Program(name="program", command=command, announces=True)])
"""


class Group:
    """A supervisor with one program, which notes each of its starts in a file."""

    def __init__(self, folder: Path, program: str = PROGRAM) -> None:
        self.folder = folder
        self.install("1")
        (folder / "python").symlink_to(sys.executable)
        with (folder / "log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", GROUP, program],
                cwd=folder,
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(settings.BASE_DIR)},
                start_new_session=True,
            )
        self.wait_for(lambda: len(self.started()) == 1)

    def install(self, version: str) -> None:
        (self.folder / "version").write_text(version)

    def upgrade(self, version: str) -> None:
        self.install(version)
        self.process.send_signal(signal.SIGHUP)

    def started(self) -> list[tuple[str, int]]:
        """The versions and process ids so far."""
        with suppress(FileNotFoundError):
            lines = (self.folder / "started").read_text().splitlines()
            return [(version, int(pid)) for version, pid in map(str.split, lines)]
        return []

    def alive(self) -> list[str]:
        return [version for version, pid in self.started() if is_alive(pid)]

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < deadline, self.started()
            time.sleep(0.05)


def is_alive(pid: int) -> bool:
    with suppress(FileNotFoundError):
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    return False


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Group]:
    yield from running(Group(tmp_path))


def running(group: Group) -> Iterator[Group]:
    yield group
    group.process.kill()
    group.process.wait()
    for _version, pid in group.started():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_a_program_that_is_killed_is_started_again(group: Group) -> None:
    for deaths in (1, 2):
        os.kill(group.started()[-1][1], signal.SIGKILL)
        group.wait_for(lambda deaths=deaths: len(group.started()) == deaths + 1)

    assert group.alive() == ["1"]


def test_an_upgrade_ends_the_old_version_when_the_new_one_is_ready(group: Group) -> None:
    group.upgrade("2")

    group.wait_for(lambda: group.alive() == ["2"])


def test_an_upgrade_that_does_not_start_leaves_the_old_version_running(group: Group) -> None:
    group.upgrade("broken")
    group.wait_for(lambda: len(group.started()) == 2)
    group.wait_for(lambda: group.alive() == ["1"])

    group.upgrade("3")
    group.wait_for(lambda: group.alive() == ["3"])

    assert [version for version, _pid in group.started()] == ["1", "broken", "3"]


def test_a_program_that_is_away_while_it_is_installed_leaves_the_old_version_running(
    group: Group,
) -> None:
    (group.folder / "python").rename(group.folder / "away")
    group.upgrade("2")
    group.wait_for(lambda: "cannot be started" in (group.folder / "log").read_text())
    (group.folder / "away").rename(group.folder / "python")
    assert group.alive() == ["1"]

    group.upgrade("3")
    group.wait_for(lambda: group.alive() == ["3"])


def test_a_supervisor_that_is_killed_leaves_nothing_behind(group: Group) -> None:
    group.process.kill()

    group.wait_for(lambda: group.alive() == [])


def test_ctrl_c_ends_also_what_does_not_listen(tmp_path: Path) -> None:
    for group in running(Group(tmp_path, STUBBORN)):
        group.process.send_signal(signal.SIGINT)
        group.wait_for((group.folder / "asked").exists)
        group.process.send_signal(signal.SIGINT)

        assert group.process.wait(timeout=PATIENCE) == 0
        assert group.alive() == []
