"""The id of the request at hand: it ties together an answer, its log lines and what they left in
the journal and among the failures."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Blank outside of requests."""
MAX_LENGTH = 64
REQUEST_ID = "leadsync.request_id"
"""The key under which a request keeps it as well (`META`), for whoever comes after it."""
