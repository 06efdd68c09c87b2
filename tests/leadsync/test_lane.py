"""Kapso's deliveries wait in a lane of their own: bots are answered meanwhile."""

import time
from collections.abc import Iterator
from io import BytesIO
from queue import Queue
from threading import Event

import pytest

from leadsync.lane import LARGEST, LONGEST, THREADS, Lane

DELIVERY = "/webhooks/kapso/toko/"
QUICK = b"quick"
PATIENCE = 60


class Granian:
    """The server's end of a request: keeps what is answered."""

    def __init__(self) -> None:
        self.answers: Queue[tuple[int, bytes]] = Queue()

    def response_bytes(self, status: int, _headers: list[tuple[str, str]], body: bytes) -> None:
        self.answers.put((status, body))

    def next_answer(self) -> tuple[int, bytes]:
        return self.answers.get(timeout=PATIENCE)


class Busy:
    """An application that is busy with each delivery, but quick ones, until it is let go on."""

    def __init__(self) -> None:
        self.has_begun, self.goes_on = Event(), Event()

    def __call__(self, respond: Granian, environ: dict) -> None:
        body = environ["wsgi.input"].read()
        if environ["PATH_INFO"] == DELIVERY and body != QUICK:
            self.has_begun.set()
            assert self.goes_on.wait(PATIENCE)
        if body == b"breaks":
            raise ValueError
        respond.response_bytes(200, [], body)


def request(path: str, body: bytes, *, length: str | None = None) -> dict:
    told = str(len(body)) if length is None else length
    return {"PATH_INFO": path, "CONTENT_LENGTH": told, "wsgi.input": BytesIO(body)}


@pytest.fixture
def busy() -> Iterator[Busy]:
    application = Busy()
    yield application
    application.goes_on.set()


def test_a_bot_is_answered_while_deliveries_wait_and_each_of_them_is_afterwards(
    busy: Busy,
) -> None:
    lane, kapso, bot = Lane(busy), Granian(), Granian()
    for number in range(3):
        delivery = request(DELIVERY, b"%d" % number)
        stream = delivery["wsgi.input"]
        lane(kapso, delivery)
        stream.close()  # as granian does when the call ends
    lane(bot, request("/sarah/state", b"hello"))

    assert bot.next_answer() == (200, b"hello")
    assert kapso.answers.empty()
    assert not lane.is_idle
    busy.goes_on.set()
    assert {kapso.next_answer() for _ in range(3)} == {(200, b"%d" % n) for n in range(3)}


def test_a_delivery_that_breaks_is_answered_500_and_the_next_ones_go_on(busy: Busy) -> None:
    busy.goes_on.set()
    lane, kapso = Lane(busy), Granian()
    lane(kapso, request(DELIVERY, b"breaks"))
    lane(kapso, request(DELIVERY, b"next"))

    assert {kapso.next_answer() for _ in range(2)} == {(500, b""), (200, b"next")}


@pytest.mark.parametrize("length", ["", "0", "-1", "lots", str(LARGEST + 1), "9" * 30])
def test_what_is_large_or_of_unknown_length_is_not_kept_in_memory(busy: Busy, length: str) -> None:
    lane, kapso = Lane(busy), Granian()
    lane(kapso, request(DELIVERY, QUICK, length=length))

    assert kapso.answers.get_nowait() == (200, QUICK)


def test_a_full_lane_keeps_no_more_in_memory(busy: Busy) -> None:
    lane, kapso = Lane(busy), Granian()
    for _ in range(THREADS):
        lane(kapso, request(DELIVERY, b"taken"))
    while not lane.waiting.empty():
        time.sleep(0.01)
    for _ in range(LONGEST):
        lane(kapso, request(DELIVERY, b"waits"))
    lane(kapso, request(DELIVERY, QUICK))

    assert kapso.answers.get_nowait() == (200, QUICK)


def test_a_delivery_waits_no_longer_for_its_turn_where_another_takes_too_long(busy: Busy) -> None:
    lane, kapso = Lane(busy), Granian()
    lane(kapso, request(DELIVERY, b"slow"))
    assert busy.has_begun.wait(PATIENCE)
    lane(kapso, request(DELIVERY, QUICK))

    assert kapso.next_answer() == (200, QUICK)
    busy.goes_on.set()
    assert kapso.next_answer() == (200, b"slow")
