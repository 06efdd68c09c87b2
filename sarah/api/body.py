"""Reading of a request's body up to a limit, also where the client sends no length."""

from django.http import HttpRequest


class BodyTooLarge(Exception):
    """The body is over the limit; `beginning` is what was read of it."""

    def __init__(self, beginning: bytes) -> None:
        self.beginning = beginning


def read_body(request: HttpRequest, *, limit: int) -> bytes:
    """The body, at most `limit` bytes; raises BodyTooLarge. May be called twice.

    A chunked body comes without CONTENT_LENGTH, which Django takes for an empty one: then the
    server's own stream, which knows where the body ends, is read.
    """
    if not hasattr(request, "limited_body"):
        chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
        stream = request.environ["wsgi.input"] if chunked else request
        request.limited_body = stream.read(limit + 1)
    if len(request.limited_body) > limit:
        raise BodyTooLarge(request.limited_body)
    return request.limited_body
