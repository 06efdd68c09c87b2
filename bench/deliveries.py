"""A burst of Kapso's: 20,000 deliveries of 2,000 people; a worker and PostgreSQL are killed.

Kapso sends a delivery again until it is answered 200. Every delivery that was answered so must be
in and worked, each message once; a bot goes on talking beside it.
"""

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import psycopg

from bench.crash import WORKERS, prepare, restart
from bench.load import CONNECTIONS, Address, Refused, ask, connect, message
from bench.promises import promise
from bench.serving import Server, group, run_command
from sarah.kapso.signatures import sign
from tests.postgres import Cluster, NoPostgres, temporary_cluster

AGAIN_AFTER = 0.5
"""Seconds; Kapso takes longer."""
QUIET = 20.0
"""Seconds: some 300 messages, enough for a 95th percentile."""
WORKED_WITHIN = 900.0
FEED = """
from contacts.models import Workspace
from sarah.models import KapsoFeed
home = Workspace.objects.get(slug="bench")
home.max_created_per_hour = 100_000
home.save()
print(KapsoFeed.objects.create(workspace=home).secret)
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.deliveries", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=20_000)
    parser.add_argument("--people", type=int, default=2_000)
    arguments = parser.parse_args()
    try:
        with temporary_cluster(durable=True) as cluster:
            os.environ["DATABASE_URL"] = cluster.url
            key = prepare()
            secret = run_command("shell", "--verbosity=0", "--command", FEED)
            burst = Burst(secret=secret, count=arguments.deliveries, people=arguments.people)
            with group(workers=WORKERS) as running:
                bot = Bot(address=running.address, key=key)
                with bot.talking():
                    time.sleep(QUIET)
                    bot.keep("quiet")
                    with killing(running, cluster, burst):
                        burst.send(running.address)
                    bot.keep("burst")
                    wait_until_worked(cluster)
            check(cluster, burst)
            bot.report()
    except NoPostgres as error:
        sys.exit(str(error))


@dataclass(slots=True, kw_only=True)
class Burst:
    secret: str
    count: int
    people: int
    acknowledged: set[int] = field(default_factory=set)
    waits: list[float] = field(default_factory=list)
    refused: int = 0

    def send(self, address: Address) -> None:
        started = time.monotonic()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda lane: self._send_lane(address, lane), range(CONNECTIONS)))
        seconds = time.monotonic() - started
        print(f"{self.count} deliveries in {seconds:.0f} s, {self.refused} sent again", flush=True)

    def _send_lane(self, address: Address, lane: int) -> None:
        for number in range(lane, self.count, CONNECTIONS):
            while number not in self.acknowledged:
                asked = time.monotonic()
                try:
                    with connect(address) as connection:
                        ask(connection, self.delivery(number))
                except (Refused, OSError):
                    self.refused += 1
                    time.sleep(AGAIN_AFTER)
                else:
                    self.acknowledged.add(number)
                    self.waits.append(time.monotonic() - asked)

    def delivery(self, number: int) -> bytes:
        heard = {
            "id": f"wamid.{number}",
            "timestamp": str(1_795_400_000 + number),
            "type": "text",
            "from": f"62812{number % self.people:08d}",
            "text": {"body": f"Halo, pesan {number}"},
            "kapso": {"direction": "inbound", "origin": "cloud_api"},
        }
        body = json.dumps({"message": heard}).encode()
        head = (
            f"POST /webhooks/kapso/bench/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"X-Webhook-Event: whatsapp.message.received\r\nX-Idempotency-Key: {number}\r\n"
            f"X-Webhook-Signature: {sign(body, self.secret)}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


@dataclass(slots=True, kw_only=True)
class Bot:
    """A bot that posts all the time, about people whom Kapso knows nothing of."""

    address: Address
    key: str
    waits: list[float] = field(default_factory=list)
    kept: dict[str, list[float]] = field(default_factory=dict)

    def keep(self, name: str) -> None:
        """Keep the waits since the last time under this name."""
        waits, self.waits = self.waits, []
        self.kept.setdefault(name, []).extend(waits)

    def p95(self, name: str) -> float:
        waits = sorted(self.kept[name])
        return waits[len(waits) * 95 // 100]

    @contextmanager
    def talking(self) -> Iterator[None]:
        over = Event()
        talking = Thread(target=self._talk, args=[over])
        talking.start()
        try:
            yield
        finally:
            over.set()
            talking.join()

    def _talk(self, over: Event) -> None:
        number = 0
        while not over.wait(0.05):
            number += 1
            phone = f"+62813{number % 50:08d}"
            asked = time.monotonic()
            try:
                with connect(self.address) as connection:
                    ask(connection, message("/sarah/state", self.key, phone, number=number))
            except (Refused, OSError):
                continue
            self.waits.append(time.monotonic() - asked)

    def report(self) -> None:
        told = ", ".join(f"{name} {self.p95(name) * 1000:.0f} ms" for name in self.kept)
        print(f"p95 of a bot's message: {told}")


@contextmanager
def killing(running: Server, cluster: Cluster, burst: Burst) -> Iterator[None]:
    """Kill the worker when a third is in, and PostgreSQL when two thirds are."""

    def wait_for(share: float) -> None:
        while len(burst.acknowledged) < burst.count * share:
            time.sleep(0.05)

    def kill() -> None:
        wait_for(1 / 3)
        for worker in running.background_workers():
            os.kill(worker, signal.SIGKILL)
        print("worker killed", flush=True)
        wait_for(2 / 3)
        restart(cluster)
        print("PostgreSQL killed", flush=True)

    killer = Thread(target=kill, daemon=True)
    killer.start()
    yield
    killer.join()


def ask_database(cluster: Cluster, query: str) -> int:
    with closing(psycopg.connect(cluster.url)) as connection:
        return int(connection.execute(query).fetchone()[0])


def wait_until_worked(cluster: Cluster) -> None:
    waiting = "SELECT count(*) FROM sarah_kapsodelivery WHERE worked_at IS NULL"
    started = time.monotonic()
    print(f"{ask_database(cluster, waiting)} still to be worked", flush=True)
    while left := ask_database(cluster, waiting):
        promise(time.monotonic() - started < WORKED_WITHIN, f"{left} deliveries are not worked.")
        time.sleep(1)
    print(f"all worked {time.monotonic() - started:.0f} s later")


def check(cluster: Cluster, burst: Burst) -> None:
    counts = {
        "deliveries": "SELECT count(*) FROM sarah_kapsodelivery",
        "messages": "SELECT count(*) FROM contacts_chatmessage",
        "different ones": "SELECT count(DISTINCT wamid) FROM contacts_chatmessage",
        "leads": "SELECT count(*) FROM contacts_contact WHERE phone LIKE '+62812%'",
        "failures": "SELECT count(*) FROM monitoring_syncfailure",
    }
    found = {name: ask_database(cluster, query) for name, query in counts.items()}
    print(", ".join(f"{count} {name}" for name, count in found.items()))
    print(f"slowest answer {max(burst.waits):.2f} s")
    promise(found["deliveries"] == burst.count, "a delivery that was answered 200 is not in.")
    promise(found["messages"] == burst.count, "a message is missing, or in twice.")
    promise(found["different ones"] == burst.count, "a message is in twice.")
    promise(found["leads"] == burst.people, "somebody is no lead, or two.")
    promise(found["failures"] == 0, "something failed.")


if __name__ == "__main__":
    main()
