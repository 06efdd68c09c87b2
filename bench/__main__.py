"""Runs the benchmark and prints its tables in Markdown."""

import itertools
import statistics
import sys
from dataclasses import dataclass
from urllib.parse import quote

from django.db import connection

from bench.database import analyze, own_database
from bench.load import CONNECTIONS, Address, MakeRequest, message, request, throughput
from bench.serving import server
from contacts.models import Contact, Workspace
from leadsync.bots import issue_key
from sarah.models import SarahState

ROUNDS, SECONDS = 5, 1.0
LEADS = 5_000
TALKING = 400

numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    name: str
    floor: str
    make_request: MakeRequest


def main() -> None:
    if connection.vendor != "postgresql":
        sys.exit("The benchmark needs PostgreSQL: run `make bench`.")
    with own_database():
        rivals = make_rivals()
        for direct in ("off", "on"):
            connection.close_pool()
            with server(
                application="bench.server:application",
                DJANGO_SETTINGS_MODULE="bench.settings",
                LEADSYNC_DB_DIRECT=direct,
            ) as running:
                measured = measure(rivals, running.address)
            print(f"\nLEADSYNC_DB_DIRECT={direct}\n\n{table(rivals, measured)}", flush=True)


def make_rivals() -> list[Rival]:
    """The rows that are asked for, and who asks how."""
    workspace = Workspace.objects.get(slug="default")
    phones = [f"+62812{number:08d}" for number in range(LEADS)]
    Contact.objects.bulk_create(
        Contact(workspace=workspace, phone=phone, name="Budi Santoso") for phone in phones
    )
    for phone in phones[:TALKING]:
        SarahState.objects.create(workspace=workspace, contact_phone=phone)
    analyze()
    sarah = issue_key("sarah-bot", role="sarah", workspace=workspace)
    manager = issue_key("grok-bot", role="manager", workspace=workspace)

    def post(path: str) -> MakeRequest:
        return lambda lane, number: message(
            path, sarah, phones[own(lane, number)], number=next(numbers)
        )

    def get(path: str, key: str = sarah, *, of_lead: bool = True) -> MakeRequest:
        asked = [f"?contact_phone={quote(phone)}" if of_lead else "" for phone in phones[:TALKING]]
        return lambda lane, number: request("GET", path + asked[own(lane, number)], key)

    return [
        Rival(name="POST floor", floor="POST floor", make_request=post("/floor/post")),
        Rival(
            name="POST floor, no middleware", floor="POST floor", make_request=post("/bare/post")
        ),
        Rival(name="POST naive", floor="POST floor", make_request=post("/naive/post")),
        Rival(name="POST naive with sync", floor="POST floor", make_request=post("/naive/sync")),
        Rival(name="POST /sarah/state", floor="POST floor", make_request=post("/sarah/state")),
        Rival(name="GET floor", floor="GET floor", make_request=get("/floor/get")),
        Rival(name="GET floor, no middleware", floor="GET floor", make_request=get("/bare/get")),
        Rival(name="GET /sarah/state", floor="GET floor", make_request=get("/sarah/state")),
        Rival(
            name="list floor",
            floor="list floor",
            make_request=get("/floor/list", manager, of_lead=False),
        ),
        Rival(
            name="GET /api/v1/leads/",
            floor="list floor",
            make_request=get("/api/v1/leads/", manager, of_lead=False),
        ),
    ]


def own(lane: int, number: int) -> int:
    """Each connection has leads of its own: nobody waits for a row."""
    return (number * CONNECTIONS + lane) % TALKING


def measure(rivals: list[Rival], address: Address) -> dict[str, float]:
    """The median of each rival's rounds, which take turns; the first, a short one, warms up."""
    rounds: dict[str, list[float]] = {rival.name: [] for rival in rivals}
    for rival in rivals:
        throughput(address, rival.make_request, seconds=SECONDS / 2)
    for _ in range(ROUNDS):
        for rival in rivals:
            rounds[rival.name].append(throughput(address, rival.make_request, seconds=SECONDS))
    return {name: statistics.median(found) for name, found in rounds.items()}


def table(rivals: list[Rival], measured: dict[str, float]) -> str:
    lines = ["| | requests/s | of its floor | of naive |", "|---|---:|---:|---:|"]
    for rival in rivals:
        rate = measured[rival.name]
        of_floor = f"{rate / measured[rival.floor]:.2f}"
        of_naive = f"{rate / measured['POST naive']:.2f}" if "POST" in rival.name else ""
        lines.append(f"| {rival.name} | {rate:.0f} | {of_floor} | {of_naive} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
