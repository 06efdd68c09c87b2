"""Request ids: one for each request, in its answer, log lines, journal row and failure."""

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest
from django.http.response import HttpResponseBase

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Blank outside of requests."""
MAX_LENGTH = 64
REQUEST_ID = "leadsync.request_id"
"""The key in `request.META` where the id also stands, for what happens after the request."""
USABLE_ID = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]{8,64}")
"""Safe in a log line; at least one letter, so it is no phone number."""


class RequestIdMiddleware:
    """Gives each request an id, or keeps the one sent as `X-Request-ID` if it is usable, and
    returns it in the answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        sent = request.headers.get("X-Request-ID", "")
        current = sent if USABLE_ID.fullmatch(sent) else uuid.uuid4().hex
        request.META[REQUEST_ID] = current  # Django logs 4xx answers after this middleware
        token = request_id.set(current)
        try:
            response = self.get_response(request)
        finally:
            request_id.reset(token)
        response.headers["X-Request-ID"] = current
        return response
