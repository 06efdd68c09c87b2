"""What a request is: its id, which stands in its answer, log lines, journal row and failure; its
client; and whether a bot sent it."""

import ipaddress
import re
import secrets
import time
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Blank outside of requests."""
MAX_LENGTH = 64
REQUEST_ID = "leadsync.request_id"
"""The key in `request.META` where the id also stands, for what happens after the request."""
USABLE_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{8,64}")
"""Safe in a log line; at least one letter, so it is no phone number."""
IPV6_PREFIX = 64
"""What one customer of a provider has: its addresses are one client."""


class RequestIdMiddleware:
    """Gives each request an id, or keeps the one sent as `X-Request-ID` if it is usable, and
    returns it in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.META.get("HTTP_X_REQUEST_ID", "")
        current = sent if USABLE_ID.fullmatch(sent) else new_id()
        request.META[REQUEST_ID] = current  # Django logs 4xx answers after this middleware
        token = request_id.set(current)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response.headers["X-Request-ID"] = current
        return response


def new_id() -> str:
    """Return a UUID of version 7, which begins with the time: its message is found by that."""
    milliseconds = time.time_ns() // 1_000_000
    high, low = secrets.randbits(12), secrets.randbits(62)
    return f"{milliseconds << 80 | 7 << 76 | high << 64 | 2 << 62 | low:032x}"


def time_of(named: str) -> datetime | None:
    """Return the time with which this id begins, if it does and has passed."""
    try:
        found = uuid.UUID(named)
        at = datetime.fromtimestamp((found.int >> 80) / 1000, UTC)
    except (ValueError, OverflowError):
        return None
    return at if found.version == 7 and at <= datetime.now(UTC) else None


def is_api(request: HttpRequest) -> bool:
    """Whether it is a bot's or a service's: answered in JSON and in English."""
    return f"{request.path}/".startswith(("/api/", "/sarah/", "/webhooks/"))


def client_address(request: Any) -> str | None:
    """Return the address that LEADSYNC_TRUSTED_PROXIES tell; None if they send something else."""
    proxied = bool(api_settings.NUM_PROXIES)
    return _as_address(
        BaseThrottle().get_ident(request) if proxied else request.META.get("REMOTE_ADDR")
    )


@lru_cache(maxsize=1_000)
def _as_address(sent: Any) -> str | None:
    try:
        return str(ipaddress.ip_address(sent))
    except ValueError:
        return None


def client_network(request: Any) -> str | None:
    """Return the address, or of an IPv6 address its network, which is all one client."""
    sent = client_address(request)
    if sent is None or ":" not in sent:
        return sent
    network = ipaddress.ip_network(f"{sent.partition('%')[0]}/{IPV6_PREFIX}", strict=False)
    return str(network.network_address)
