"""Request bodies: read up to a limit, also chunked ones, and parsed, however deep they are."""

import json
import math
import re
from hashlib import sha256
from typing import Any

MAX_BODY = 64 * 1024
"""The largest JSON body that the API accepts, in bytes (CONTRACT 1)."""
MAX_DEPTH = 20
CUT_DEPTH = MAX_DEPTH + 5
# Possessive, and a text may lack its end: else one quote after another is tried to the body's end.
JSON_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
MAX_DIGITS = 40


class BodyTooLarge(Exception):
    """The body is over its limit in bytes; `beginning` is the part that was read."""

    def __init__(self, beginning: bytes, *, limit: int = MAX_BODY) -> None:
        super().__init__(f"The body is over {limit // 1024} KiB. Send less.")
        self.beginning = beginning


class UnreadableBody(ValueError):
    """The body is not a JSON object; the text is a sentence for the bot's developer."""


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


def parse_body(raw: bytes) -> dict[str, object]:
    """Return the JSON object in `raw`; raises UnreadableBody if there is none."""
    try:
        body = _loads(raw)
    except ValueError:
        raise UnreadableBody("The body is not JSON. Send one JSON object.") from None
    if not isinstance(body, dict):
        raise UnreadableBody("The body is JSON, but not an object. Send one JSON object.")
    return body


def as_evidence(raw: bytes, *, limit: int = MAX_BODY) -> dict[str, Any]:
    """Return the digest of a body and at most `limit` bytes of its text, for the record."""
    return {
        "fingerprint": sha256(raw).hexdigest(),
        "payload": {"body": raw[:limit].decode("utf-8", "replace").replace("\x00", "")},
    }


def _loads(raw: bytes) -> object:
    try:
        return json.loads(raw, parse_int=_parse_int)
    except RecursionError:
        return json.loads(_cut_depths(raw), parse_int=_parse_int)


def _cut_depths(raw: bytes) -> bytes:
    """Replace what is nested too deep for Python's parser with `null`.

    Enough depth stays for the warning that the value is nested too deep.
    """
    kept, depth, start = [], 0, 0
    for token in JSON_TOKENS.finditer(raw):
        if token[0] in b"[{":
            depth += 1
            if depth == CUT_DEPTH:
                kept.append(raw[start : token.start()] + b"null")
        elif token[0] in b"]}":
            if depth == CUT_DEPTH:
                start = token.end()
            depth -= 1
    return b"".join(kept) + raw[start:]


def _parse_int(digits: str) -> int | float:
    # Python refuses to read integers of over 4,300 digits; the rest of the body is still good.
    if len(digits) <= MAX_DIGITS:
        return int(digits)
    return -math.inf if digits.startswith("-") else math.inf
