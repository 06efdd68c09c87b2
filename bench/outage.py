"""A bad day in ten minutes: PostgreSQL is killed twice, away for a minute, read-only, full, and
held by locks; a worker of the web server is killed every minute; bots go on talking.

They send each message once and wait five seconds. Every message that is answered 200 must be in
exactly once, nothing but a killed process's connection may be answered otherwise, no answer may
take longer than six seconds, and no GET longer than two but while the database is away.
"""

import argparse
import os
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import psycopg

from bench.crash import WORKERS, check, prepare, read, restart
from bench.load import Address, Refused, ask, connect, request
from bench.promises import promise
from bench.serving import PRODUCTION, Server, group
from bench.writers import Writer, writing
from tests.postgres import Cluster, NoPostgres, temporary_cluster

BELL = 60.0
"""Seconds between two kills of a web worker."""
DRAINED_WITHIN = 300.0
"""Seconds: a full spool, about 20,000 messages, at 100 a second while nothing else is said."""
LEADS, CONVERSATIONS = "contacts_contact", "sarah_sarahstate"
FREE = "/sarah/state?contact_phone=628129999999"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.outage", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes instead of ten")
    parser.add_argument("--sqlite", action="store_true", help="with a held writer instead")
    arguments = parser.parse_args()
    pace = 0.2 if arguments.quick else 1.0
    if arguments.sqlite:
        with tempfile.TemporaryDirectory() as folder:
            database = Path(folder) / "bench.sqlite3"
            os.environ["DATABASE_URL"] = f"sqlite:///{database}"
            writers, reader = held_writer(database, prepare(), pace=pace)
            check(database, writers)
            check_more(database, writers, reader)
        return
    try:
        with temporary_cluster(durable=True) as cluster:
            os.environ["DATABASE_URL"] = cluster.url
            key = prepare()
            with group(workers=WORKERS) as running:
                with (
                    writing(running.address, key) as writers,
                    reading(running.address, key) as reader,
                    killing(running, every=BELL * pace),
                ):
                    bad_day(cluster, reader, pace=pace)
                wait_until_drained()
            check(cluster.url, writers)
            check_more(cluster.url, writers, reader)
    except NoPostgres as error:
        sys.exit(str(error))


def held_writer(database: Path, key: str, *, pace: float) -> tuple[list[Writer], "Reader"]:
    """The same on SQLite: somebody holds its one lock for 20 s, three times."""
    with group(workers=WORKERS) as running:
        with (
            writing(running.address, key) as writers,
            reading(running.address, key) as reader,
            killing(running, every=BELL * pace),
        ):
            for _time in range(3):
                time.sleep(60 * pace)
                with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as holder:
                    holder.execute("BEGIN IMMEDIATE")
                    time.sleep(20 * pace)
                    holder.execute("ROLLBACK")
                print("writer held for 20 s", flush=True)
            time.sleep(30 * pace)
        wait_until_drained()
    return writers, reader


def bad_day(cluster: Cluster, reader: "Reader", *, pace: float) -> None:
    faults: dict[str, Callable[[], object]] = {
        "PostgreSQL killed": lambda: restart(cluster),
        "PostgreSQL away for 60 s": lambda: away(cluster, 60 * pace),
        "leads locked for 20 s": lambda: lock(cluster, LEADS, 20 * pace),
        "conversations locked for 20 s": lambda: lock(cluster, CONVERSATIONS, 20 * pace),
        "read-only for 20 s": lambda: read_only(cluster, 20 * pace),
        "disk full for 20 s": lambda: disk_full(cluster, 20 * pace),
        "PostgreSQL killed again": lambda: restart(cluster),
    }
    for name, fault in faults.items():
        time.sleep(60 * pace)
        is_away = name.startswith("PostgreSQL")
        began = time.monotonic()
        fault()
        if is_away:
            reader.excuses.append((began, time.monotonic() + 3))
        print(name, flush=True)
    time.sleep(60 * pace)


def away(cluster: Cluster, seconds: float) -> None:
    cluster.crash()
    time.sleep(seconds)
    cluster.start()


def lock(cluster: Cluster, table: str, seconds: float) -> None:
    with psycopg.connect(cluster.url) as holder:
        holder.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        time.sleep(seconds)


def read_only(cluster: Cluster, seconds: float) -> None:
    for is_on in ("on", "off"):
        with psycopg.connect(cluster.url, autocommit=True) as operator:
            operator.execute("SET transaction_read_only = off")
            operator.execute(f"ALTER SYSTEM SET default_transaction_read_only = {is_on}")
            operator.execute("SELECT pg_reload_conf()")
        time.sleep(seconds)


def disk_full(cluster: Cluster, seconds: float) -> None:
    """Let each write fail as it does then: filling a real disk would take others along."""
    with psycopg.connect(cluster.url, autocommit=True) as operator:
        operator.execute(
            "CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "RAISE EXCEPTION 'No space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        for table in (LEADS, CONVERSATIONS, "sarah_stateupdate"):
            operator.execute(
                f"CREATE TRIGGER disk_full BEFORE INSERT OR UPDATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION disk_full()"
            )
        time.sleep(seconds)
        operator.execute("DROP FUNCTION disk_full CASCADE")


@dataclass(slots=True)
class Reader:
    """A bot that only reads, about somebody whom nobody else talks about."""

    waits: list[tuple[float, float]] = field(default_factory=list)
    """When each answer was asked for, and its seconds."""
    excuses: list[tuple[float, float]] = field(default_factory=list)
    """From when to when the database was away."""

    def read(self, address: Address, key: str, stopped: Event) -> None:
        while not stopped.wait(0.05):
            asked = time.monotonic()
            try:
                with connect(address) as connection:
                    ask(connection, request("GET", FREE, key))
            except (Refused, OSError):
                continue
            self.waits.append((asked, time.monotonic() - asked))

    def slowest(self) -> float:
        """The longest wait while the database was there."""
        return max(
            wait
            for asked, wait in self.waits
            if not any(began - wait <= asked <= ended for began, ended in self.excuses)
        )


@contextmanager
def reading(address: Address, key: str) -> Iterator[Reader]:
    reader, stopped = Reader(), Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(reader.read, address, key, stopped)
        try:
            yield reader
        finally:
            stopped.set()
        running.result()


@contextmanager
def killing(running: Server, *, every: float) -> Iterator[None]:
    """Kill the server's oldest worker again and again."""
    stopped = Event()

    def kill() -> None:
        while not stopped.wait(every):
            os.kill(running.workers()[0], signal.SIGKILL)

    with ThreadPoolExecutor(1) as pool:
        kills = pool.submit(kill)
        try:
            yield
        finally:
            stopped.set()
        kills.result()


def wait_until_drained() -> None:
    path = Path(PRODUCTION["LEADSYNC_SPOOL_DIR"]) / "messages.sqlite3"
    began = time.monotonic()
    with closing(sqlite3.connect(path, timeout=5)) as spool:
        while count := spool.execute("SELECT count(*) FROM messages").fetchone()[0]:
            promise(
                time.monotonic() < began + DRAINED_WITHIN, f"{count} messages are still stored."
            )
            time.sleep(0.2)
    print(f"the last stored message came in after {time.monotonic() - began:.0f} s", flush=True)


def check_more(database: str | Path, writers: list[Writer], reader: Reader) -> None:
    _stored, journal = read(database)
    twice = [said for said, count in journal.items() if count > 1]
    slowest = max(answered - sent for writer in writers for sent, answered in writer.answers)
    answers = [status for writer in writers for status in writer.failures if "HTTP" in status]
    print(f"slowest answer to a POST {slowest:.2f} s, to a GET {reader.slowest():.2f} s")
    promise(not twice, f"{len(twice)} messages came in twice.")
    promise(not answers, f"some were answered otherwise: {', '.join(answers)}")
    promise(slowest <= 6, "an answer took over 6 s.")
    promise(reader.slowest() <= 2, "a GET took over 2 s though the database was there.")


if __name__ == "__main__":
    main()
