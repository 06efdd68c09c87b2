"""Reads request bodies up to a limit, also chunked ones."""

from typing import Any

MAX_BODY = 64 * 1024
"""The largest JSON body that the API accepts, in bytes (CONTRACT 1)."""


class BodyTooLarge(Exception):
    """The body is over its limit in bytes; `beginning` is the part that was read."""

    def __init__(self, beginning: bytes, *, limit: int = MAX_BODY) -> None:
        super().__init__(f"The body is over {limit // 1024} KiB. Send less.")
        self.beginning = beginning


def read_body(request: Any, *, limit: int = MAX_BODY) -> bytes:
    """Return the body; raises BodyTooLarge over `limit` bytes. May be called twice.

    A chunked body has no CONTENT_LENGTH, which Django takes for an empty body: then the server's
    own stream, which knows where the body ends, is read.
    """
    if not hasattr(request, "limited_body"):
        chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
        stream = request.environ["wsgi.input"] if chunked else request
        request.limited_body = stream.read(limit + 1)
    if len(request.limited_body) > limit:
        raise BodyTooLarge(request.limited_body, limit=limit)
    return bytes(request.limited_body)
