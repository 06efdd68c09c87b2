"""Runs the benchmark and prints its tables in Markdown."""

import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

os.environ |= {
    "DEBUG": "0",
    "SECRET_KEY": "for-the-benchmark-only-0123456789-abcdefghijklmnopqrstuvwxyz",
    "SECURE_SSL_REDIRECT": "0",
    "ALLOWED_HOSTS": "127.0.0.1",
    "DJANGO_SETTINGS_MODULE": "bench.settings",
    "LEADSYNC_LOG_LEVEL": "ERROR",
    "PYTHONWARNINGS": "ignore:No directory at",
}

import django

django.setup()

from django.db import connection  # noqa: E402

from bench.load import CONNECTIONS, throughput  # noqa: E402
from contacts.models import Contact, Workspace  # noqa: E402
from leadsync.bots import issue_key  # noqa: E402
from sarah.models import SarahState  # noqa: E402

HOST = "127.0.0.1"
ROUNDS, SECONDS = 5, 1.0
LEADS = 5_000
TALKING = 400

numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    name: str
    floor: str
    make_request: Callable[[int, int], bytes]


def main() -> None:
    if connection.vendor != "postgresql":
        sys.exit("The benchmark needs PostgreSQL: run `make bench`.")
    name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    url = urlsplit(os.environ["DATABASE_URL"])
    url = url._replace(path=f"/{connection.settings_dict['NAME']}")
    try:
        rivals = make_rivals()
        for direct in ("off", "on"):
            connection.close_pool()
            with server(DATABASE_URL=url.geturl(), LEADSYNC_DB_DIRECT=direct) as address:
                measured = measure(rivals, address)
            print(f"\nLEADSYNC_DB_DIRECT={direct}\n\n{table(rivals, measured)}", flush=True)
    finally:
        connection.creation.destroy_test_db(name, verbosity=0)


def make_rivals() -> list[Rival]:
    """The rows that are asked for, and who asks how."""
    workspace = Workspace.objects.get(slug="default")
    phones = [f"+62812{number:08d}" for number in range(LEADS)]
    Contact.objects.bulk_create(
        Contact(workspace=workspace, phone=phone, name="Budi Santoso") for phone in phones
    )
    for phone in phones[:TALKING]:
        SarahState.objects.create(workspace=workspace, contact_phone=phone)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    sarah = issue_key("sarah-bot", role="sarah", workspace=workspace)
    manager = issue_key("grok-bot", role="manager", workspace=workspace)

    def post(path: str) -> Callable[[int, int], bytes]:
        return lambda lane, number: message(path, sarah, phones[own(lane, number)])

    def get(path: str, key: str = sarah, *, of_lead: bool = True) -> Callable[[int, int], bytes]:
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


def message(path: str, key: str, phone: str) -> bytes:
    """A bot's message whose facts are new."""
    number = next(numbers)
    return request(
        "POST",
        path,
        key,
        json.dumps(
            {
                "contact_phone": phone,
                "state": "qualifying",
                "lead_score": 55,
                "lead_temperature": "warm",
                "extracted_data": {
                    "name": "Budi Santoso",
                    "business_type": "cafe",
                    "team_size": 5,
                    "pain_points": ["chats get lost", "no time"],
                    "goals": f"{number} cups a day",
                },
                "language": "id",
                "message_count": number,
            }
        ).encode(),
    )


def request(method: str, path: str, key: str, body: bytes = b"") -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@contextmanager
def server(**environment: str) -> Iterator[tuple[str, int]]:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        address = probe.getsockname()
    options = ["--interface=wsgi", "--no-ws", "--workers=1", f"--blocking-threads={CONNECTIONS}"]
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "granian", *options, "--log-level=warning"),
            *("--host", HOST, "--port", str(address[1]), "bench.server:application"),
        ],
        env=os.environ | environment,
    )
    try:
        wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait()


def wait_for(address: tuple[str, int], process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(address, timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    sys.exit("The server does not start.")


def measure(rivals: list[Rival], address: tuple[str, int]) -> dict[str, float]:
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
