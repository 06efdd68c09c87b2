"""Webhooks reach public servers only, once, signed, and never hold anybody up."""

import hashlib
import hmac
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import cycle
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from monitoring import webhooks
from monitoring.webhooks import WebhookFailed, is_public, post, validate_webhook

CERTIFICATE = Path(__file__).parent / "hooks.example.com.pem"
"""Self-signed, with its key; good for nothing but these tests."""
BODY = json.dumps({"text": "Something is wrong."}).encode()


class Receiver(BaseHTTPRequestHandler):
    """Keeps what it gets in `server.got` and answers as `server.answer` says."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))  # type: ignore[attr-defined]
        self.server.answer(self)  # type: ignore[attr-defined]

    def log_message(self, *args: object) -> None:
        pass


def answering(status: int, **headers: str) -> Any:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()

    return answer


def dripping(handler: BaseHTTPRequestHandler) -> None:
    """A byte at a time, each well within any timeout for a single read, until the caller leaves."""
    with suppress(OSError):
        for byte in cycle(b"HTTP/1.1 200 OK\r\nX: "):
            handler.wfile.write(bytes([byte]))
            time.sleep(0.05)


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Nothing, until the caller leaves."""
    with suppress(OSError):
        handler.rfile.read(1)


@contextmanager
def serving(answer: Any, *, certificate: Path | None = None) -> Iterator[Any]:
    """A real server on this machine; yields it, with its `url` and what it `got`."""
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.answer, server.got = answer, []
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error, scheme = lambda *args: None, "https"
    server.url = f"{scheme}://hooks.example.com:{server.server_port}/in?chat_id=5"
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def names(monkeypatch) -> dict[str, list[list[str]]]:
    """What the resolver answers, by name: a list of answers, one for each look-up."""
    known: dict[str, list[list[str]]] = {"hooks.example.com": [["127.0.0.1"]]}

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host not in known:
            return original(host, port, *args, **kwargs)
        answers = known[host]
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        families = [socket.AF_INET6 if ":" in one else socket.AF_INET for one in addresses]
        return [
            (family, socket.SOCK_STREAM, 6, "", (one, port))
            for family, one in zip(families, addresses, strict=True)
        ]

    original = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def this_machine_counts_as_public(names: dict[str, list[list[str]]], monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "is_public", lambda ip: ip == "127.0.0.1" or is_public(ip))


PUBLIC = [
    "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34",
    "64:ff9b::5db8:d822",
]  # fmt: skip
NOT_PUBLIC = [
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "0.0.0.0", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "fe80::1",
    "fc00::1", "fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::",
    "2001:0:53aa:64c:0:0:80ff:fffe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1",
]  # fmt: skip


@pytest.mark.parametrize("address", [*PUBLIC, *NOT_PUBLIC])
def test_only_addresses_of_the_public_internet_are_called(address: str) -> None:
    assert is_public(address) is (address in PUBLIC)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "javascript:alert(1)", "https:///path", "hooks.example.com",
        "https://user:secret@example.com/", "https://example.com/a b",
        "https://example.com/\r\nX: 1", "http://example.com:25/", "http://example.com:22/",
        "http://example.com:99999/", "http://127.0.0.1/", "http://192.168.0.1:8080/",
        "http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://[::ffff:10.0.0.1]/",
        "http://localhost:8000/",
    ],
)  # fmt: skip
def test_an_address_that_can_be_no_webhook_is_refused_before_it_is_called(url: str) -> None:
    with pytest.raises(ValidationError):
        validate_webhook(url)
    with pytest.raises(WebhookFailed):
        post(url, BODY, secret="s")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T0/B0/x", "http://93.184.216.34:8080/in",
        "https://api.telegram.org/bot1:x/sendMessage?chat_id=5", "https://example.com:8443",
    ],
)  # fmt: skip
def test_usual_addresses_are_taken(url: str) -> None:
    validate_webhook(url)


@pytest.mark.parametrize(
    "addresses",
    [["127.0.0.1"], ["10.0.0.7"], ["::1"], ["93.184.216.34", "127.0.0.1"], ["fe80::1%eth0"]],
)
def test_a_name_that_leads_into_a_private_network_is_not_called(
    addresses: list[str], names: dict[str, list[list[str]]]
) -> None:
    with serving(answering(200)) as server:
        names["hooks.example.com"] = [addresses]
        with pytest.raises(WebhookFailed, match="Use a public address"):
            post(server.url, BODY, secret="s")

    assert server.got == []


@pytest.mark.usefixtures("this_machine_counts_as_public")
def test_the_connection_goes_to_the_address_that_was_checked(
    names: dict[str, list[list[str]]],
) -> None:
    names["hooks.example.com"] = [["127.0.0.1"], ["169.254.169.254"]]  # a second look-up differs

    with serving(answering(204)) as server:
        post(server.url, BODY, secret="s")
        names["hooks.example.com"] = [["127.0.0.1"]]
        post(server.url.replace("/in?", "?k\u00f6="), BODY, secret="s")

    (path, headers, body), (bare, *_rest) = server.got
    assert (path, bare, body) == ("/in?chat_id=5", "/?k%C3%B6=chat_id=5", BODY)
    assert headers["Host"] == f"hooks.example.com:{server.server_port}"


@pytest.mark.usefixtures("this_machine_counts_as_public")
def test_the_receiver_can_tell_that_a_message_is_ours() -> None:
    with serving(answering(200)) as server:
        post(server.url, BODY, secret="our secret", header=("X-API-Key", "theirs"))

    ((_path, headers, body),) = server.got
    assert headers["X-API-Key"] == "theirs"
    signed = headers["X-LeadSync-Timestamp"].encode() + b"." + body
    expected = hmac.new(b"our secret", signed, hashlib.sha256).hexdigest()
    assert headers["X-LeadSync-Signature"] == f"sha256={expected}"
    assert abs(int(headers["X-LeadSync-Timestamp"]) - time.time()) < 5


@pytest.mark.usefixtures("this_machine_counts_as_public")
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (answering(302, Location="http://127.0.0.1/"), r"redirects \(HTTP 302\)"),
        (answering(404), "HTTP 404"),
        (answering(500), "HTTP 500"),
        (lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n"), "did not answer in HTTP"),
        (lambda handler: None, "did not answer in HTTP"),
    ],
)
def test_whatever_is_no_success_is_told_as_a_failure(answer: Any, why: str) -> None:
    with serving(answer) as server, pytest.raises(WebhookFailed, match=why):
        post(server.url, BODY, secret="s")

    assert len(server.got) == 1


@pytest.mark.usefixtures("this_machine_counts_as_public")
@pytest.mark.parametrize("answer", [dripping, silent])
def test_a_slow_server_is_left_in_time(answer: Any, monkeypatch) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT", 0.3)

    with serving(answer) as server, pytest.raises(WebhookFailed, match=r"within 0\.3 seconds"):
        post(server.url, BODY, secret="s")


def test_a_slow_look_up_is_left_in_time(monkeypatch) -> None:
    left = Event()
    monkeypatch.setattr(webhooks, "TIMEOUT", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: left.wait(60) and [])

    with pytest.raises(WebhookFailed, match="did not answer"):
        post("https://hooks.example.com/", BODY, secret="s")

    left.set()


@pytest.mark.usefixtures("this_machine_counts_as_public")
def test_a_server_must_prove_its_name(names: dict[str, list[list[str]]], monkeypatch) -> None:
    names["other.example.com"] = [["127.0.0.1"]]
    with serving(answering(200), certificate=CERTIFICATE) as server:
        with pytest.raises(WebhookFailed, match="certificate is not valid"):
            post(server.url, BODY, secret="s")
        trust(CERTIFICATE, monkeypatch)
        with pytest.raises(WebhookFailed, match="certificate is not valid"):
            post(server.url.replace("hooks.", "other."), BODY, secret="s")
        assert server.got == []

        post(server.url, BODY, secret="s")

    assert len(server.got) == 1


def trust(certificate: Path, monkeypatch) -> None:
    context = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(ssl, "create_default_context", lambda: context)
