"""An error storm: the leads' table refuses every write while the bot goes on talking.

The failure log must stay small and requests must not get slower; once the cause is gone, the worker
brings every lead up to date.
"""

import argparse
import sys
import time
from datetime import timedelta
from statistics import harmonic_mean
from urllib.parse import quote

from django.db import connection
from django.utils import timezone

from bench.database import analyze, own_database
from bench.load import (
    CONNECTIONS,
    Address,
    MakeRequest,
    answer_all,
    goals,
    message,
    request,
    throughput,
)
from bench.promises import promise
from bench.serving import run_command, server
from contacts.models import Contact, Workspace
from leadsync.bots import issue_key
from monitoring.models import FailureGroup, SyncFailure
from sarah.models import SarahState, StateUpdate
from tests.faults import LEADS, refusing

TENTHS = 10
TURNS = 4
"""In each tenth: posts, then reads."""
MAX_FAILURES = 1_000
SLOWEST_END = 0.8
"""Of the first tenth's speed: what a busy machine explains is no promise broken."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.storm", description=__doc__)
    parser.add_argument("--leads", type=int, default=5_000)
    parser.add_argument("--posts", type=int, default=50_000)
    options = parser.parse_args()
    if connection.vendor != "postgresql":
        sys.exit("The storm needs PostgreSQL: run `make scenarios`.")
    with own_database():
        phones, key = make_leads(options.leads)
        asked = [request("GET", f"/sarah/state?contact_phone={quote(p)}", key) for p in phones]
        with refusing(LEADS), server(quiet=True) as running:
            ratios = storm(
                running.address,
                lambda _lane, number: message(
                    "/sarah/state", key, phones[number % len(phones)], number=number + 1
                ),
                lambda lane, number: asked[(number * CONNECTIONS + lane) % len(asked)],
                posts=options.posts,
            )
        check_storm(ratios, posts=options.posts)
        heal(options.leads)


def make_leads(count: int) -> tuple[list[str], str]:
    """Leads who have not talked to the bot yet; returns their phones and the bot's key."""
    workspace = Workspace.objects.get(slug="default")
    phones = [f"+62812{number:08d}" for number in range(count)]
    Contact.objects.bulk_create(
        (Contact(workspace=workspace, phone=phone) for phone in phones), batch_size=1_000
    )
    analyze()
    return phones, issue_key("sarah-bot", role="sarah", workspace=workspace)


def storm(address: Address, post: MakeRequest, get: MakeRequest, *, posts: int) -> list[float]:
    """The speed of the posts in each tenth of the storm, as a ratio to that of reads.

    Both take turns, so that other work on the machine slows them alike.
    """
    ratios = []
    most = 0
    for tenth in range(TENTHS):
        posted, read = [], []
        for turn in range(tenth * TURNS, (tenth + 1) * TURNS):
            numbers = range(*(posts * end // (TENTHS * TURNS) for end in (turn, turn + 1)))
            posted.append(answer_all(address, post, numbers))
            read.append(throughput(address, get, seconds=0.5))
        ratios.append(harmonic_mean(posted) / harmonic_mean(read))
        most = max(most, rows := SyncFailure.objects.count())
        print(
            f"tenth {tenth + 1:2}: {harmonic_mean(posted):5.0f} requests/s, "
            f"{ratios[-1]:.2f} of reads; {rows} failures",
            flush=True,
        )
    limit = MAX_FAILURES * 21 // 20
    promise(most <= limit, f"{most} failures were kept, more than {limit}.")
    return ratios


def check_storm(ratios: list[float], *, posts: int) -> None:
    ratio = ratios[-1] / ratios[0]
    journal, groups = StateUpdate.objects.count(), FailureGroup.objects.count()
    print(f"The last tenth was {ratio:.2f} times as fast as the first.")
    print(f"{SyncFailure.objects.open().count()} open failures, {groups} cause, {journal} messages")
    promise(ratio >= SLOWEST_END, "requests were slower at the end than at the start.")
    promise(journal == posts, f"the journal has {journal} of {posts} accepted messages.")
    promise(groups == 1, f"one cause made {groups} groups of failures.")


def heal(leads: int) -> None:
    """Let the worker retry all of them now, not in the course of the next hours."""
    SarahState.objects.filter(synced_at=None).update(
        next_sync_at=timezone.now() - timedelta(minutes=1)
    )
    started = time.perf_counter()
    print(run_command("sync_worker", "--once"))
    seconds = time.perf_counter() - started
    print(f"The worker took {seconds:.0f} s, {leads / seconds:.0f} conversations/s.")
    states = SarahState.objects.all()
    synced = states.exclude(synced_at=None).count()
    promise(synced == leads, f"{synced} of {leads} conversations are in sync.")
    up_to_date = sum(
        lead == goals(number)
        for lead, number in states.values_list("contact__goals", "message_count").iterator()
    )
    promise(up_to_date == leads, f"{up_to_date} of {leads} leads have their last message's facts.")
    promise(not states.exclude(leased_until=None).exists(), "conversations are still leased.")
    promise(not SyncFailure.objects.open().exists(), "failures are still open.")


if __name__ == "__main__":
    main()
