"""Three workers on one queue, one of them killed in the middle: every conversation is synced once.

The killed worker's leases run out after two minutes, so the run takes at least that long.
"""

import argparse
import subprocess
import time
from datetime import timedelta

from django.db import connection
from django.utils import timezone

from bench.database import analyze, own_database
from bench.promises import promise
from bench.serving import manage
from bench.synced import make_synced
from contacts.models import Contact, StatusChange
from monitoring.models import RunTrigger, SyncRun
from sarah.models import SarahState

WORKERS = 3
STOP_TIMEOUT = 5
PATIENCE = 900
"""Seconds for all of it."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.queue", description=__doc__)
    parser.add_argument("--leads", type=int, default=10_000)
    leads = parser.parse_args().leads
    with own_database():
        make_due(leads)
        count_syncs()
        started = time.monotonic()
        workers = [manage("sync_worker") for _ in range(WORKERS)]
        try:
            wait_until_left(leads // 2, workers)
            workers[0].kill()
            tell(started, "half is done, and a worker is killed")
            wait_until_left(0, workers[1:])
            tell(started, "all is done")
        finally:
            stop(workers)
        check(leads)


def make_due(leads: int) -> None:
    """Conversations that move their leads' status, all due now."""
    make_synced(range(leads))
    SarahState.objects.update(
        state="handoff",
        synced_at=None,
        sync_reason="sync_error",
        sync_attempts=1,
        next_sync_at=timezone.now() - timedelta(minutes=1),
    )
    # The hourly reconciliation is not due: it would help.
    SyncRun.objects.create(trigger=RunTrigger.COMMAND, finished_at=timezone.now())
    analyze()


def count_syncs() -> None:
    """Let the database write down each sync that is committed: a second one changes no lead."""
    log = "INSERT INTO bench_sync (state_id) VALUES (NEW.id);"
    event = "AFTER UPDATE OF synced_at ON sarah_sarahstate FOR EACH ROW"
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_sync (state_id bigint NOT NULL)")
        if connection.vendor == "sqlite":
            cursor.execute(f"CREATE TRIGGER bench_sync {event} BEGIN {log} END")
            return
        cursor.execute(
            "CREATE FUNCTION bench_sync() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {log} RETURN NEW; END $$"
        )
        cursor.execute(f"CREATE TRIGGER bench_sync {event} EXECUTE FUNCTION bench_sync()")


def wait_until_left(left: int, workers: list[subprocess.Popen[str]]) -> None:
    deadline = time.monotonic() + PATIENCE
    while SarahState.objects.filter(synced_at=None).count() > left:
        promise(time.monotonic() < deadline, f"the work is not done after {PATIENCE} s.")
        promise(all(worker.poll() is None for worker in workers), "a worker left by itself.")
        time.sleep(0.5)


def tell(started: float, event: str) -> None:
    print(f"{time.monotonic() - started:4.0f} s: {event}", flush=True)


def leased() -> int:
    return SarahState.objects.exclude(leased_until=None).count()


def stop(workers: list[subprocess.Popen[str]]) -> None:
    for worker in workers:
        worker.terminate()
    started = time.monotonic()
    for worker in workers:
        worker.communicate()
    seconds = time.monotonic() - started
    promise(seconds < STOP_TIMEOUT, f"the workers took {seconds:.0f} s to stop.")


def check(leads: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT state_id) FROM bench_sync")
        syncs, synced = cursor.fetchone()
    moves = StatusChange.objects.count()
    moved = Contact.objects.filter(lead_status="contacted").count()
    print(f"{synced} conversations synced by {syncs} syncs, {moved} leads moved {moves} times")
    promise(synced == leads, f"only {synced} of {leads} conversations were synced.")
    promise(syncs == leads, f"{syncs - leads} conversations were synced more than once.")
    promise(moved == moves == leads, "leads and their histories differ.")
    promise(not leased(), f"{leased()} conversations are still leased.")


if __name__ == "__main__":
    main()
