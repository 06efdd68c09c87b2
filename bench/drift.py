"""Drift: one conversation in a hundred is not what its lead shows. The reconciliation must heal
just these, find nothing the next time, and need no more memory for ten times as many rows."""

import argparse
import os

from django.db import connection

from bench.database import analyze, own_database
from bench.load import goals
from bench.promises import promise
from bench.serving import manage
from bench.synced import make_synced
from contacts.models import Contact
from monitoring.models import SyncRun
from sarah.models import SarahState

DRIFTED_OF = 100
MOST_MORE_MEMORY = 1.5
"""For ten times the rows: Python lets garbage lie about, up to a quarter of what it uses, and rows
that were kept would take several times as much."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.drift", description=__doc__)
    parser.add_argument("--states", type=int, default=100_000)
    states = parser.parse_args().states
    with own_database():
        make_synced(range(states // 10))
        few = find_and_heal(states // 10)
        make_synced(range(states // 10, states))
        many = find_and_heal(states)
    print(f"Ten times the rows took {many / few:.2f} times the memory.")
    promise(many <= few * MOST_MORE_MEMORY, "memory grows with the table.")


def find_and_heal(states: int) -> float:
    """Let one in a hundred drift, reconcile twice and return the first run's peak memory in MB."""
    drifted = let_drift()
    analyze()
    memory = reconcile(states, drifted=drifted)
    healed = sum(
        lead == said["goals"]
        for lead, said in SarahState.objects.exclude(synced_at=None)
        .values_list("contact__goals", "extracted_data")
        .iterator()
    )
    promise(healed == states, f"{states - healed} conversations are still not what they should be.")
    reconcile(states, drifted=0)
    return memory


def let_drift() -> int:
    """Half of them by a lead that was written past the sync, half by a sync that never was."""
    pks = list(SarahState.objects.order_by("pk").values_list("pk", flat=True)[::DRIFTED_OF])
    stale, unsynced = pks[::2], pks[1::2]
    Contact.objects.filter(conversations__in=stale).update(goals=goals(0) + ", once")
    SarahState.objects.filter(pk__in=unsynced).update(synced_at=None)
    return len(pks)


def reconcile(states: int, *, drifted: int) -> float:
    """Run the command, check what it put on record, and return its peak memory in MB."""
    command = manage("reconcile")
    output = command.stdout.read() if command.stdout else ""
    _pid, status, usage = os.wait4(command.pid, 0)
    command.returncode = os.waitstatus_to_exitcode(status)
    promise(command.returncode == 0, f"reconcile left with exit code {command.returncode}.")
    memory = usage.ru_maxrss / 1024
    run = SyncRun.objects.latest("pk")
    seconds = (run.finished_at - run.started_at).total_seconds() if run.finished_at else 0
    print(f"{output.strip()} {seconds:.1f} s, {memory:.0f} MB on {connection.vendor}", flush=True)
    promise(
        (run.checked, run.healed, run.failed, run.still_open) == (states, drifted, 0, 0),
        f"{states} conversations were to be checked and {drifted} to be healed.",
    )
    return memory


if __name__ == "__main__":
    main()
