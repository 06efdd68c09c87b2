"""A bot beside a burst of Kapso's: how much longer it waits, in turns of quiet and burst.

The deliveries come at a fixed rate, from a process that lets everything else go first: what is
measured is the server, not who loads it.
"""

import argparse
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context

from bench.crash import WORKERS, prepare
from bench.deliveries import FEED, Bot, Burst, ask_database, wait_until_worked
from bench.load import CONNECTIONS, Address, ask, connect
from bench.promises import promise
from bench.serving import group, run_command
from tests.postgres import NoPostgres, temporary_cluster

WARM_UP = 3.0
SLACK = 2.0
"""How many times longer than in quiet a bot's message may take, at the 95th percentile."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=__doc__)
    parser.add_argument("--rate", type=int, default=50, help="deliveries in a second")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each quiet and each burst")
    arguments = parser.parse_args()
    count = int(arguments.rate * arguments.seconds)
    try:
        with temporary_cluster(durable=True) as cluster:
            os.environ["DATABASE_URL"] = cluster.url
            key = prepare()
            burst = Burst(
                secret=run_command("shell", "--verbosity=0", "--command", FEED),
                count=count * arguments.turns,
                people=2_000,
            )
            deliveries = [burst.delivery(number) for number in range(burst.count)]
            with group(workers=WORKERS) as running:
                bot = Bot(address=running.address, key=key)
                with bot.talking():
                    time.sleep(WARM_UP)
                    bot.waits = []
                    for turn in range(arguments.turns):
                        time.sleep(arguments.seconds)
                        bot.keep("quiet")
                        slowest = in_another_process(
                            running.address, deliveries[turn * count :][:count], arguments.rate
                        )
                        bot.keep("burst")
                        print(f"{count} deliveries, slowest answer {slowest:.2f} s", flush=True)
                        wait_until_worked(cluster)
                        bot.waits = []
            bot.report()
            stored = ask_database(cluster, "SELECT count(*) FROM contacts_chatmessage")
    except NoPostgres as error:
        sys.exit(str(error))
    promise(stored == burst.count, "a message is missing, or in twice.")
    promise(bot.p95("burst") < SLACK * bot.p95("quiet"), "the bot waits too long beside a burst.")


def in_another_process(address: Address, deliveries: list[bytes], rate: int) -> float:
    with get_context("fork").Pool(1, initializer=os.nice, initargs=[19]) as sender:
        return sender.apply(send, [address, deliveries, rate])


def send(address: Address, deliveries: list[bytes], rate: int) -> float:
    """Send them, each at its time; returns the longest wait for an answer."""
    started = time.monotonic()

    def send_lane(lane: int) -> float:
        waits = [0.0]
        with connect(address) as connection:
            for number in range(lane, len(deliveries), CONNECTIONS):
                time.sleep(max(0.0, started + number / rate - time.monotonic()))
                asked = time.monotonic()
                ask(connection, deliveries[number])
                waits.append(time.monotonic() - asked)
        return max(waits)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return max(pool.map(send_lane, range(CONNECTIONS)))


if __name__ == "__main__":
    main()
