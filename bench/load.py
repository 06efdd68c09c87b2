"""A client that is cheaper than any server: prepared bytes over kept-alive sockets."""

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

CONNECTIONS = 8
TIMEOUT = 10

Address = tuple[str, int]
MakeRequest = Callable[[int, int], bytes]
"""The bytes of a connection's request, by the number of each."""


class Refused(Exception):
    """The server answered something else than 200, or broke off."""


def message(path: str, key: str, phone: str, *, number: int) -> bytes:
    """A bot's message; each number brings other facts."""
    body = {
        "contact_phone": phone,
        "state": "qualifying",
        "lead_score": 55,
        "lead_temperature": "warm",
        "extracted_data": {
            "name": "Budi Santoso",
            "business_type": "cafe",
            "team_size": 5,
            "pain_points": ["chats get lost", "no time"],
            "goals": goals(number),
        },
        "language": "id",
        "message_count": number,
    }
    return request("POST", path, key, json.dumps(body).encode())


def goals(number: int) -> str:
    """What the lead wants according to this message."""
    return f"{number} cups a day"


def request(method: str, path: str, key: str, body: bytes = b"") -> bytes:
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def throughput(address: Address, make_request: MakeRequest, *, seconds: float) -> float:
    """Requests answered in a second, by all connections."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        counts = pool.map(lambda lane: _ask(address, make_request, lane, seconds), _lanes())
        return sum(counts) / seconds


def answer_all(address: Address, make_request: MakeRequest, numbers: range) -> float:
    """Send these requests, each connection its share; returns requests answered in a second."""
    started = time.perf_counter()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(lambda lane: _ask_each(address, make_request, lane, numbers), _lanes()))
    return len(numbers) / (time.perf_counter() - started)


def connect(address: Address) -> socket.socket:
    server = socket.create_connection(address, timeout=TIMEOUT)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server


def ask(server: socket.socket, sent: bytes) -> None:
    """Send one request and read its answer; raises Refused unless it is 200, or OSError."""
    server.sendall(sent)
    received = _receive(server)
    while b"\r\n\r\n" not in received:
        received += _receive(server)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise Refused(received[:500].decode(errors="replace"))
    length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
    while not (len(body) >= int(length) if length else body.endswith(b"0\r\n\r\n")):
        body += _receive(server)


def _lanes() -> range:
    return range(CONNECTIONS)


def _ask(address: Address, make_request: MakeRequest, lane: int, seconds: float) -> int:
    count = 0
    with connect(address) as server:
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            ask(server, make_request(lane, count))
            count += 1
    return count


def _ask_each(address: Address, make_request: MakeRequest, lane: int, numbers: range) -> None:
    with connect(address) as server:
        for number in numbers[lane::CONNECTIONS]:
            ask(server, make_request(lane, number))


def _receive(server: socket.socket) -> bytes:
    received = server.recv(65536)
    if not received:
        raise Refused("The connection was closed before the answer was complete.")
    return received
