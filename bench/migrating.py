"""A migration beside traffic: an index on a large journal, while bots write and `pg_dump` runs.

Meanwhile another one needs each large table for itself, which a dump forbids: it must wait for the
dump's end, and no bot for either.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import OperationalError, connection, models
from django.db.migrations.loader import MigrationLoader

from bench.database import analyze, own_database
from bench.promises import promise
from bench.serving import group, run_command
from bench.writers import Writer, writing
from leadsync.infra.schema import AddIndexBesideTraffic, impatient_migrations, was_locked_out
from sarah.models import SarahState, StateUpdate

SLOWEST = 1.0
"""Seconds for a bot's answer, whatever is locked."""
INDEX = models.Index(fields=["lead_score"], name="bench_messages_by_score")
LARGE = ("contacts_contact", "sarah_sarahstate", "sarah_stateupdate")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.migrating", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    messages = parser.parse_args().messages
    if connection.vendor != "postgresql":
        sys.exit("DATABASE_URL must name a PostgreSQL: python -m tests.postgres --durable -- ...")
    with own_database():
        run_command("create_workspace", "bench", "--create-contacts")
        key = run_command("create_bot", "sarah-bot", "--role=sarah", "--workspace=bench")
        fill_journal(messages)
        with group(workers=2) as running, writing(running.address, key) as writers:
            time.sleep(3)
            migrate_beside_dump()
            time.sleep(1)
        check(writers)


def fill_journal(messages: int) -> None:
    """One message, so many times in 90 days."""
    state = SarahState.objects.create(contact_phone="+6281200000000")
    StateUpdate.objects.create(state=state, body="x" * 500, outcome="synced")
    fields = [field.column for field in StateUpdate._meta.local_concrete_fields]
    columns = ", ".join(name for name in fields if name not in ("id", "received_at"))
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO sarah_stateupdate (received_at, {columns}) "
            f"SELECT received_at - number * interval '90 days' / %s, {columns} "
            "FROM sarah_stateupdate, generate_series(1, %s) AS number",
            [messages, messages],
        )
    analyze()
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")  # else it comes in the middle, and each commit waits for it


def migrate_beside_dump() -> None:
    with ThreadPoolExecutor(2) as pool:
        beside = [pool.submit(timed, "pg_dump", dump_all)]
        time.sleep(0.5)
        beside.append(pool.submit(timed, "an index on the journal", add_index))
        for table in LARGE:
            timed(f"a change of {table}", lambda table=table: change(table))
        for one in beside:
            one.result()


def dump_all() -> None:
    dump = ["pg_dump", "--format=custom", f"--dbname={os.environ['DATABASE_URL']}"]
    subprocess.run(dump, check=True, stdout=subprocess.DEVNULL)


def add_index() -> None:
    loader = MigrationLoader(connection)
    before, after = (loader.project_state(loader.graph.leaf_nodes()) for _ in range(2))
    operation = AddIndexBesideTraffic("stateupdate", INDEX)
    operation.state_forwards("sarah", after)
    with impatient_migrations(), connection.schema_editor(atomic=False) as editor:
        operation.database_forwards("sarah", editor, before, after)
    connection.close()


def change(table: str) -> None:
    """What `migrate` does with a migration that needs the table for itself for a moment."""
    while True:
        try:
            with impatient_migrations(), connection.schema_editor() as editor:
                editor.execute(f"ALTER TABLE {table} ADD COLUMN bench integer")
        except OperationalError as error:
            if not was_locked_out(error):
                raise
            time.sleep(2)
        else:
            return


def timed(what: str, run: Callable[[], object]) -> None:
    started = time.monotonic()
    run()
    print(f"{what}: {time.monotonic() - started:.1f} s", flush=True)


def check(writers: list[Writer]) -> None:
    waits = sorted(at - sent for writer in writers for sent, at in writer.answers)
    failures = sum(writer.failures.total() for writer in writers)
    print(f"{len(waits)} messages answered, {failures} not", flush=True)
    print(f"half within {waits[len(waits) // 2]:.2f} s, slowest {waits[-1]:.2f} s", flush=True)
    promise(not failures, f"{failures} messages were not answered.")
    promise(waits[-1] <= SLOWEST, f"a bot waited for {waits[-1]:.1f} s.")


if __name__ == "__main__":
    main()
