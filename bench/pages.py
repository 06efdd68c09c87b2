"""Every page and search of the admin with a million leads, for a superuser and for sales.

The server counts each number anew; Home is also asked of one that remembers them for some seconds,
as in production. The pages are found by themselves: a new one is measured from then on.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from typing import Any, NamedTuple

from django.db import connection
from django.test import Client

from bench.cpu import database_ms, server_ms
from bench.database import analyze, own_database
from bench.promises import promise
from bench.serving import Server, run_command, server
from bench.statements import listed, statements_of
from contacts.models import Workspace
from tests.factories import UserFactory
from tests.many import fill
from tests.walk import all_pages, plant

TRIES = 5
MOST_MS = 100
HOME = ("/admin/", "/admin/live/home/")
HOME_COUNTED_MS, HOME_REMEMBERED_MS = 500, 50
LEADS = "/admin/contacts/contact/?"


class Asked(NamedTuple):
    person: str
    address: str
    headers: dict[str, str]


class Times(NamedTuple):
    """Milliseconds: of processor time, which a busy machine hardly changes, and of waiting."""

    python: float
    database: float
    median: float
    slowest: float

    @property
    def ms(self) -> float:
        return self.python + self.database


class Page(NamedTuple):
    person: str
    address: str
    kib: float
    counted: Times
    remembered: Times | None

    @property
    def is_too_slow(self) -> bool:
        if self.remembered is None:
            return self.counted.ms > MOST_MS
        return self.counted.ms > HOME_COUNTED_MS or self.remembered.ms > HOME_REMEMBERED_MS


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=__doc__)
    parser.add_argument("--leads", type=int, default=1_000_000)
    parser.add_argument("--only", default="", help="pages with this in it, and their statements")
    asked = parser.parse_args()
    if connection.vendor != "postgresql":
        sys.exit("DATABASE_URL must name a PostgreSQL: python -m tests.postgres -- ...")
    run_command("collectstatic", "--noinput")
    with own_database():
        pages = [page for page in prepare(asked.leads) if asked.only in page.address]
        connection.close_pool()
        with (
            server(quiet=True, DJANGO_SETTINGS_MODULE="bench.forgetful") as counting,
            server(quiet=True) as remembering,
        ):
            found = [page for one in pages for page in measured(one, counting, remembering)]
            print(table(found), flush=True)
            for one in pages if asked.only else ():
                print(f"\n{one.address}\n{statements(one, counting)}")
    slow = [f"{page.address} ({page.person})" for page in found if page.is_too_slow]
    promise(not slow, f"these pages take too long: {', '.join(slow)}")


def prepare(leads: int) -> list[Asked]:
    home = Workspace.objects.get(slug="default")
    sales: Any = UserFactory(username="sales", group="Sales", workspaces=[home])
    fill(home, leads=leads, owner=sales)
    plant("kopi", "melati")
    analyze()
    root: Any = UserFactory(username="root", is_superuser=True)
    pages = [*all_pages()]
    of_sales = [page for page in pages if page.startswith(LEADS) or page in HOME]
    return [
        Asked(person.username, page, headers)
        for person, seen in ((root, pages), (sales, of_sales))
        for headers in [headers_of(person)]
        for page in seen
    ]


def headers_of(person: Any) -> dict[str, str]:
    client = Client()
    client.force_login(person)
    cookie = "; ".join(f"{name}={one.value}" for name, one in client.cookies.items())
    return {"Cookie": cookie, "Accept-Encoding": "gzip"}


def measured(one: Asked, counting: Server, remembering: Server) -> Iterator[Page]:
    status, body = get(counting, one)
    if status == 200:
        is_home = one.address.partition("?")[0] in HOME
        remembered = times_of(remembering, one) if is_home else None
        kib = len(body) / 1024
        yield Page(one.person, one.address, kib, times_of(counting, one), remembered)


def times_of(running: Server, one: Asked) -> Times:
    get(running, one)
    waits, before = [], (server_ms(running.pid), database_ms())
    for _ in range(TRIES):
        started = time.perf_counter()
        get(running, one)
        waits.append((time.perf_counter() - started) * 1000)
    after = server_ms(running.pid), database_ms()
    python, database = ((b - a) / TRIES for a, b in zip(before, after, strict=True))
    return Times(python, database, statistics.median(waits), max(waits))


def get(running: Server, one: Asked) -> tuple[int, bytes]:
    client = HTTPConnection(*running.address, timeout=60)
    try:
        client.request("GET", one.address, headers=one.headers)
        answer = client.getresponse()
        return answer.status, answer.read()
    finally:
        client.close()


def statements(one: Asked, running: Server) -> str:
    found = statements_of(lambda: len([get(running, one)]))
    return listed(found or [])


def table(found: list[Page]) -> str:
    lines = [
        "| page | asked by | ms | Python | PostgreSQL | waited | slowest | KiB | remembered | |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    for page in sorted(found, key=lambda page: -page.counted.ms):
        numbers = (page.counted.ms, *page.counted, page.kib)
        shown = " | ".join(f"{number:.0f}" for number in numbers)
        remembered = f"{page.remembered.ms:.0f}" if page.remembered else ""
        told = "TOO SLOW" if page.is_too_slow else ""
        lines.append(f"| {page.address} | {page.person} | {shown} | {remembered} | {told} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
