"""Reads request bodies up to a limit, also chunked ones."""

from typing import Any

MAX_BODY = 64 * 1024
"""The largest JSON body that the API accepts, in bytes (CONTRACT 1)."""


class BodyTooLarge(Exception):
    """The body is over MAX_BODY bytes; `beginning` is the part that was read."""

    def __init__(self, beginning: bytes) -> None:
        super().__init__(f"The body is over {MAX_BODY // 1024} KiB. Send less.")
        self.beginning = beginning


def read_body(request: Any) -> bytes:
    """Return the body; raises BodyTooLarge over MAX_BODY bytes. May be called twice.

    A chunked body has no CONTENT_LENGTH, which Django takes for an empty body: then the server's
    own stream, which knows where the body ends, is read.
    """
    if not hasattr(request, "limited_body"):
        chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
        stream = request.environ["wsgi.input"] if chunked else request
        request.limited_body = stream.read(MAX_BODY + 1)
    if len(request.limited_body) > MAX_BODY:
        raise BodyTooLarge(request.limited_body)
    return bytes(request.limited_body)
