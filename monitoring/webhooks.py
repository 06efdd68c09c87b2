"""Posts to webhooks: only to public addresses, signed, and within four seconds.

The name is resolved once, every address is checked, and the connection goes to a checked one, so
that DNS cannot change between check and use.
"""

import hashlib
import hmac
import re
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Thread
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext_lazy as _

TIMEOUT = 4.0
"""Seconds for everything: resolving the name, connecting, sending, and reading the status. A worker
that is sending still stops within five."""
MAX_STATUS_LINE = 4096
DEFAULT_PORTS = {"http": 80, "https": 443}
LOW_PORTS = (80, 443)
"""The only ports up to 1024 that are allowed: others belong to services such as mail servers."""
OURS = ("host", "content-", "transfer-", "connection", "user-agent", "x-leadsync-")
"""Beginnings of the names of headers that are ours to send."""
NAT64 = IPv6Network("64:ff9b::/96")
NOT_PUBLIC = _("This address is in a private network or on this machine. Use a public address.")


class WebhookFailed(Exception):
    """The webhook was not delivered; the text says why, without the URL."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time of `time.monotonic()`."""

    at: float

    def left(self) -> float:
        """Return the seconds until then. Raises TimeoutError if none are left."""
        left = self.at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def validate_webhook(url: str) -> None:
    """Raise ValidationError if the URL cannot be a webhook, as far as its text shows."""
    URLValidator(["https", "http"], message=_("Write an address such as https://…"))(url)
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise ValidationError(_("Write the address without a user name and password."))
    if not _is_usual_port(parts):
        raise ValidationError(_("Use port 80, 443 or one over 1024."))
    host = parts.hostname or ""
    try:
        private = not is_public(host)
    except ValueError:  # a host name: it is resolved when the webhook is called
        private = host == "localhost" or host.endswith(".localhost")
    if private:
        raise ValidationError(NOT_PUBLIC)


def _is_usual_port(parts: SplitResult) -> bool:
    try:
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except ValueError:  # over 65535
        return False
    return port > 1024 or port in LOW_PORTS


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, also if it embeds another address.

    Raises ValueError if it is not an IP address.
    """
    ip = ip_address(address)
    if isinstance(ip, IPv6Address) and (inner := _inner(ip)):
        return is_public(str(inner))
    usable = not (ip.is_multicast or ip.is_reserved or ip.is_unspecified)
    site_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and usable and not site_local


def _inner(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one embeds: mapped, 6to4, Teredo or NAT64."""
    if ip in NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo and ip.teredo[1])


def signature(body: bytes, *, timestamp: str, secret: str) -> str:
    """Return the value of the header `X-LeadSync-Signature` for this body and time."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def validate_header(name: str) -> None:
    """Raise ValidationError unless a webhook may carry a header of this name."""
    if not re.fullmatch(r"[A-Za-z0-9-]+", name) or name.lower().startswith(OURS):
        raise ValidationError(_("Use the name of a header, such as X-API-Key or Authorization."))


def validate_header_value(value: str) -> None:
    """Raise ValidationError unless this can be the value of a header: no line may end in it."""
    if not re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", value):
        raise ValidationError(_("Use letters, digits and signs on one line."))


def post(url: str, body: bytes, *, secret: str, header: tuple[str, str] = ("", "")) -> None:
    """POST this JSON, signed, and return if the answer is a success (2xx). `header` is the name and
    value of a further header that the receiver wants.

    Raises WebhookFailed otherwise, after `TIMEOUT` seconds at the latest, also if the server sends
    its answer a byte at a time. Follows no redirect and uses no proxy.
    """
    deadline = Deadline(time.monotonic() + TIMEOUT)
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "LeadSync",
        "X-LeadSync-Timestamp": timestamp,
        "X-LeadSync-Signature": signature(body, timestamp=timestamp, secret=secret),
        "Connection": "close",
    } | ({header[0]: header[1]} if header[0] else {})
    try:
        validate_webhook(url)
        status = _status_of(urlsplit(url), body, headers, deadline)
    except ValidationError as error:
        raise WebhookFailed(" ".join(error.messages)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise WebhookFailed(in_words(error)) from error
    if 300 <= status < 400:
        raise WebhookFailed(f"The server redirects (HTTP {status}): enter the final address.")
    if not 200 <= status < 300:
        raise WebhookFailed(f"The server answered with HTTP {status}.")


def _status_of(url: SplitResult, body: bytes, headers: dict[str, str], deadline: Deadline) -> int:
    host, port = url.hostname or "", url.port or DEFAULT_PORTS[url.scheme]
    addresses = _look_up(host, port, deadline)
    if not all(is_public(address.partition("%")[0]) for address in addresses):
        raise ValidationError(NOT_PUBLIC)
    secure = url.scheme == "https"
    client = (HTTPSConnection if secure else HTTPConnection)(host, port)
    with _connected(addresses, port, deadline) as plain:
        client.sock = _secured(plain, host, deadline) if secure else plain
        with client.sock as sock:
            sock.settimeout(deadline.left())  # for the whole request
            query = f"?{url.query}" if url.query else ""
            client.request("POST", iri_to_uri(f"{url.path or '/'}{query}"), body, headers)
            return _read_status(sock, deadline)


def _look_up(host: str, port: int, deadline: Deadline) -> list[str]:
    """Return the addresses of a host. Runs in a thread, because a look-up cannot be cancelled."""
    answers: list[list[str]] = []
    errors: list[Exception] = []

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.append([str(address[0]) for *_kind, address in found])
        except (OSError, UnicodeError) as error:
            errors.append(error)

    thread = Thread(target=ask, daemon=True)
    thread.start()
    thread.join(deadline.left())
    if errors:
        raise errors[0]
    if not answers:
        raise TimeoutError
    return answers[0]


def _connected(addresses: Sequence[str], port: int, deadline: Deadline) -> socket.socket:
    """Return a connection to the first of these addresses that accepts one."""
    error: OSError = socket.gaierror()
    for address in addresses:
        try:
            return socket.create_connection((address, port), timeout=deadline.left())
        except OSError as refused:
            error = refused
    raise error


def _secured(sock: socket.socket, host: str, deadline: Deadline) -> ssl.SSLSocket:
    """Return the socket with TLS; the server's certificate must be valid for `host`."""
    sock.settimeout(deadline.left())  # for the whole handshake
    return ssl.create_default_context().wrap_socket(sock, server_hostname=host)


def _read_status(sock: socket.socket, deadline: Deadline) -> int:
    """Return the status of the answer; only its first line is read."""
    line = b""
    while b"\n" not in line and len(line) < MAX_STATUS_LINE:
        sock.settimeout(deadline.left())
        if not (more := sock.recv(MAX_STATUS_LINE)):
            break
        line += more
    version, _space, rest = line.partition(b"\n")[0].partition(b" ")
    if not version.startswith(b"HTTP/") or not rest[:3].isdigit():
        raise HTTPException
    return int(rest[:3])


def in_words(error: Exception) -> str:
    """Return why it failed, without the exception's message, which may carry the address."""
    match error:
        case TimeoutError():
            return f"The server did not answer within {TIMEOUT:g} seconds."
        case socket.gaierror() | UnicodeError():
            return "The server's name cannot be resolved. Check the address."
        case ssl.SSLError():
            return "The server's certificate is not valid, or it does not speak TLS."
        case ConnectionRefusedError():
            return "The server refuses the connection."
        case OSError():
            return "The connection to the server failed."
    return "The server did not answer in HTTP."
