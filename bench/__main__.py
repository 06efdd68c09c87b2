"""Runs the benchmark, prints its tables in Markdown, and says what became slower.

`--keep` writes the baseline to compare with from now on.
"""

import itertools
import statistics
import sys
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote

from django.db import connection

from bench import baseline
from bench.cpu import database_ms, server_ms
from bench.database import analyze, own_database
from bench.load import CONNECTIONS, MakeRequest, message, request, throughput
from bench.serving import Server, server
from bench.statements import listed, statements_of
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


class Measured(NamedTuple):
    """Requests in a second, and milliseconds of processor time for each."""

    rate: float
    python_ms: float
    database_ms: float

    @property
    def ms(self) -> float:
        return self.python_ms + self.database_ms


def main() -> None:
    if connection.vendor != "postgresql":
        sys.exit("The benchmark needs PostgreSQL: run `make bench`.")
    costs: dict[str, float] = {}
    with own_database():
        rivals = make_rivals()
        for direct in ("off", "on"):
            connection.close_pool()
            with server(
                application="bench.server:application",
                workers=2,
                DJANGO_SETTINGS_MODULE="bench.settings",
                LEADSYNC_DB_DIRECT=direct,
            ) as running:
                measured = measure(rivals, running)
                print(f"\nLEADSYNC_DB_DIRECT={direct}\n\n{table(rivals, measured)}", flush=True)
                for rival in filter(is_ours, rivals):
                    floor = measured[rival.floor].ms
                    costs[f"{rival.name}, direct {direct}"] = measured[rival.name].ms / floor
                    print(f"\n{rival.name}\n{statements(rival, running)}", flush=True)
    print("", *baseline.differences(costs, baseline.kept()), sep="\n")
    if "--keep" in sys.argv:
        baseline.keep(costs)


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


def measure(rivals: list[Rival], running: Server) -> dict[str, Measured]:
    """The medians of each rival's rounds, which take turns; the first, a short one, warms up."""
    rounds: dict[str, list[Measured]] = {rival.name: [] for rival in rivals}
    for rival in rivals:
        throughput(running.address, rival.make_request, seconds=SECONDS / 2)
    for _ in range(ROUNDS):
        for rival in rivals:
            rounds[rival.name].append(measure_once(rival, running))
    return {
        name: Measured(*map(statistics.median, zip(*found, strict=True)))
        for name, found in rounds.items()
    }


def measure_once(rival: Rival, running: Server) -> Measured:
    before = server_ms(running.pid), database_ms()
    rate = throughput(running.address, rival.make_request, seconds=SECONDS)
    after = server_ms(running.pid), database_ms()
    return Measured(rate, *((b - a) / (rate * SECONDS) for a, b in zip(before, after, strict=True)))


def is_ours(rival: Rival) -> bool:
    return rival.name.rpartition(" ")[2].startswith("/")


def statements(rival: Rival, running: Server) -> str:
    found = statements_of(
        lambda: throughput(running.address, rival.make_request, seconds=SECONDS) * SECONDS
    )
    if found is None:
        return "    (statements are counted where pg_stat_statements is preloaded)"
    return listed(found)


def table(rivals: list[Rival], measured: dict[str, Measured]) -> str:
    lines = [
        "| | requests/s | of its floor | of naive | ms Python | ms PostgreSQL |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for rival in rivals:
        found = measured[rival.name]
        of_floor = f"{found.rate / measured[rival.floor].rate:.2f}"
        naive = measured["POST naive"].rate
        of_naive = f"{found.rate / naive:.2f}" if "POST" in rival.name else ""
        lines.append(
            f"| {rival.name} | {found.rate:.0f} | {of_floor} | {of_naive} "
            f"| {found.python_ms:.2f} | {found.database_ms:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
