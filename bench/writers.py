"""Bots that go on talking whatever happens to the server, and remember what it acknowledged."""

import socket
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event

from bench.load import CONNECTIONS, Address, Refused, ask, connect, message

LEADS_EACH = 10
MESSAGES_EACH = 20
"""On one connection: new ones spread the writers over the server's workers."""


@dataclass(slots=True, kw_only=True)
class Writer:
    """A bot: one connection at a time, leads of its own, and each message is sent once.

    A lead's messages are numbered upwards.
    """

    phones: list[str]
    acknowledged: dict[str, list[int]] = field(default_factory=dict)
    answers: list[tuple[float, float]] = field(default_factory=list)
    """When each acknowledged message was sent and answered."""
    failures: Counter[str] = field(default_factory=Counter)

    def write(self, address: Address, key: str, stopped: Event) -> None:
        number = 0
        while not stopped.is_set():
            try:
                with connect(address) as connection:
                    for _message in range(MESSAGES_EACH):
                        number += 1
                        self._send(connection, key, number)
            except (Refused, OSError) as error:
                self.failures[str(error).partition("\r\n")[0] or type(error).__name__] += 1
                time.sleep(0.02)

    def _send(self, connection: socket.socket, key: str, number: int) -> None:
        phone = self.phones[number % len(self.phones)]
        sent_at = time.monotonic()
        ask(connection, message("/sarah/state", key, phone, number=number))
        self.answers.append((sent_at, time.monotonic()))
        self.acknowledged.setdefault(phone, []).append(number)

    def back_after(self, crash: float) -> float:
        """Seconds from the crash to the first answer to a message that was sent after it."""
        return next((at - crash for sent, at in self.answers if sent >= crash), float("inf"))


@contextmanager
def writing(address: Address, key: str) -> Iterator[list[Writer]]:
    """Writers at work for the length of the block."""
    phones = [f"+62812{number:08d}" for number in range(CONNECTIONS * LEADS_EACH)]
    writers = [Writer(phones=phones[lane::CONNECTIONS]) for lane in range(CONNECTIONS)]
    stopped = Event()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            running = [pool.submit(writer.write, address, key, stopped) for writer in writers]
            yield writers
        finally:
            stopped.set()
        for future in running:
            future.result()
