"""Crashes in the middle of load: in turn, a web worker, the web server and PostgreSQL are killed.

Whatever was answered with 200 must be there afterwards, and the server back by itself within
seconds. Both run as in production, with every commit on disk.
"""

import argparse
import json
import os
import signal
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from bench.load import goals
from bench.promises import promise
from bench.serving import Server, group, run_command
from bench.writers import Writer, writing
from tests.postgres import Cluster, NoPostgres, temporary_cluster

WORKERS = 2
BACK_WITHIN = 10.0
PAUSE = 8.0
"""Seconds of load after a crash; granian gives up on workers that die twice in 5.5 s."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.crash", description=__doc__)
    parser.add_argument("--crashes", type=int, default=5, help="of each kind")
    crashes = parser.parse_args().crashes
    try:
        with temporary_cluster(durable=True) as cluster:
            os.environ["DATABASE_URL"] = cluster.url
            key = prepare()
            with group(workers=WORKERS) as running:
                with writing(running.address, key) as writers:
                    crash_in_turn(running, cluster, writers, crashes=crashes)
                promise(len(running.workers()) == WORKERS, "a worker of the server is missing.")
            check(cluster.url, writers)
    except NoPostgres as error:
        sys.exit(str(error))


def prepare() -> str:
    """A migrated database in which every unknown number becomes a lead; returns the bot's key."""
    run_command("migrate", "--verbosity=0")
    run_command("create_workspace", "bench", "--create-contacts")
    return run_command("create_bot", "sarah-bot", "--role=sarah", "--workspace=bench")


def crash_in_turn(
    running: Server, cluster: Cluster, writers: list[Writer], *, crashes: int
) -> None:
    time.sleep(PAUSE / 2)
    for number in range(crashes):
        kill = running.workers()[0]
        survive("web worker killed", lambda kill=kill: os.kill(kill, signal.SIGKILL), writers)
        (kill,) = running.web_servers()
        survive("web server killed", lambda kill=kill: os.kill(kill, signal.SIGKILL), writers)
        survive("PostgreSQL crashed", lambda: restart(cluster), writers)
        print(f"{number + 1} of {crashes} done", flush=True)


def restart(cluster: Cluster) -> None:
    cluster.crash()
    cluster.start()


def survive(name: str, crash: Callable[[], object], writers: list[Writer]) -> None:
    """Let it happen, and wait until all writers are served again."""
    crashed = time.monotonic()
    crash()
    time.sleep(PAUSE)
    while any(writer.back_after(crashed) > 60 for writer in writers):
        promise(time.monotonic() - crashed < 60, f"{name}: not back after a minute.")
        time.sleep(0.5)
    first, last = (pick(writer.back_after(crashed) for writer in writers) for pick in (min, max))
    print(f"{name}: back within {first:.2f} s, for all writers within {last:.2f} s", flush=True)
    promise(last <= BACK_WITHIN, f"{name}: back only after {last:.1f} s.")


def check(database: str | Path, writers: list[Writer]) -> None:
    stored, journal = read(database)
    lost, missing, acknowledged = set(), set(), 0
    for writer in writers:
        for phone, said in writer.acknowledged.items():
            acknowledged += len(said)
            missing |= {(phone, number) for number in said} - journal.keys()
            if phone not in stored or stored[phone].number < said[-1]:
                lost.add(phone)
    failures = sum((writer.failures for writer in writers), Counter())
    wrong = [phone for phone, state in stored.items() if state.facts != goals(state.number)]
    behind = [phone for phone, state in stored.items() if state.lead != state.facts]
    print(f"{acknowledged} messages acknowledged, {journal.total()} in the journal")
    print(f"{len(behind)} of {len(stored)} leads still to be synced")
    print(f"{failures.total()} requests failed:")
    for failure, count in failures.most_common():
        print(f"    {count:4} {failure}")
    promise(not lost, f"{len(lost)} conversations lack an acknowledged message.")
    promise(not wrong, f"{len(wrong)} conversations lack the facts of their last message.")
    promise(not missing, f"{len(missing)} acknowledged messages are not in the journal.")


@dataclass(frozen=True, slots=True)
class Stored:
    number: int
    facts: str
    lead: str | None


def read(database: str | Path) -> tuple[dict[str, Stored], Counter[tuple[str, int]]]:
    """The conversations by their phone, and how often the journal has each message."""
    connect: Any = psycopg.connect if isinstance(database, str) else sqlite3.connect
    with closing(connect(database)) as connection:
        states = connection.execute(
            "SELECT contact_phone, message_count, extracted_data ->> 'goals', goals "
            "FROM sarah_sarahstate AS state LEFT JOIN contacts_contact AS lead "
            "ON lead.id = state.contact_id"
        )
        stored = {phone: Stored(*facts) for phone, *facts in states}
        bodies = connection.execute("SELECT body FROM sarah_stateupdate")
        said = (json.loads(body) for (body,) in bodies)
        return stored, Counter((one["contact_phone"], one["message_count"]) for one in said)


if __name__ == "__main__":
    main()
