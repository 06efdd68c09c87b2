"""Reads, writes and sends recorded requests of a bot."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests

from sarah.kapso.signatures import sign

TIMEOUT = 10
"""Seconds to wait for a connection, and for an answer on it."""

SILENCE = 5
"""This many requests in a row without an answer mean that the server is gone."""


class Outcome(StrEnum):
    """The outcome of one request; the values are the words of the summary."""

    KNOWN = "known"
    NEW = "new"
    DELIVERED = "delivered"
    SYNCED = "synced"
    NOT_SYNCED = "not synced"
    HTTP_ERROR = "HTTP error"
    """Any status but 200: the bot's endpoint answers 200 or has not done what it was asked."""
    UNREADABLE = "unreadable answer"
    NO_ANSWER = "no answer"


REPLAYED = "X-LeadSync-Replayed"
"""The header of what was said before: it brings nobody back who was erased since."""

PROBLEMS = {Outcome.HTTP_ERROR, Outcome.UNREADABLE, Outcome.NO_ANSWER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one request; `detail` is the syncReason, the status or the error."""

    outcome: Outcome
    detail: str = ""
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.outcome} ({self.detail})" if self.detail else self.outcome.value


@dataclass(slots=True)
class Tally:
    """Counts replies; its memory does not grow with their number."""

    replies: Counter[str] = field(default_factory=Counter)
    warnings: Counter[str] = field(default_factory=Counter)
    answered: int = 0
    problems: int = 0

    def add(self, reply: Reply) -> None:
        self.replies[str(reply)] += 1
        self.warnings.update(reply.warnings)
        self.answered += reply.outcome != Outcome.NO_ANSWER
        self.problems += reply.outcome in PROBLEMS

    def __str__(self) -> str:
        sent = f"Sent {self.replies.total()} requests"
        parts = [f"{sent}: {_counted(self.replies)}." if self.replies else f"{sent}."]
        if self.warnings:
            parts.append(f"Warnings: {_counted(self.warnings)}.")
        return " ".join(parts)


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in counter.most_common())


class TrafficError(Exception):
    """Traffic cannot be read or sent; the text says why and what to do."""


def read_requests(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the requests of a JSONL file. A bad line raises TrafficError with its number."""
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                yield _request(line, where=f"{path}, line {number}")
    except OSError as error:
        raise TrafficError(f"Cannot read {path}: {error.strerror}.") from error


def _request(line: bytes, *, where: str) -> dict[str, Any]:
    try:
        request = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise TrafficError(f"{where}: not JSON ({error}).") from error
    if not isinstance(request, dict) or request.get("method") not in ("GET", "POST"):
        raise TrafficError(f'{where}: not an object with "method": "GET" or "POST".')
    if not str(request.get("path")).startswith("/"):
        raise TrafficError(f'{where}: "path" must be a string that starts with "/".')
    if request["method"] == "POST" and "body" not in request:
        raise TrafficError(f'{where}: a POST needs a "body".')
    return request


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def to_line(request: dict[str, Any]) -> str:
    """Return a request as one line of a recording, in ASCII, without the line's end."""
    return json.dumps(request, separators=(",", ":"))


def send(
    traffic: Iterable[dict[str, Any]],
    *,
    base_url: str,
    key: str,
    rate: float | None = None,
    is_replay: bool = False,
    secret: str = "",
) -> Iterator[Reply]:
    """Send the requests in order, at most `rate` a second, and yield the answer to each.

    Deliveries of Kapso's among them are signed with `secret`.

    Neither retries nor follows redirects, like the function nodes. Raises TrafficError if the
    server cannot be reached, stops answering, or refuses the key at the first request.
    """
    silent = SILENCE - 1  # before the first answer, one failure is enough
    with requests.Session() as session:
        session.trust_env = False  # else ~/.netrc replaces our key, and a proxy sees it
        session.headers["Authorization"] = f"Bearer {key}"
        if is_replay:
            session.headers[REPLAYED] = "1"
        for number, request in enumerate(_paced(traffic, rate)):
            reply = _exchange(session, base_url, request, secret=secret)
            if number == 0:
                _check_first(reply)
            yield reply
            silent = silent + 1 if reply.outcome == Outcome.NO_ANSWER else 0
            if silent == SILENCE:
                raise TrafficError(
                    f"{base_url} does not answer ({reply.detail}). "
                    "Check that the address is right and that the server runs."
                )


def _paced(traffic: Iterable[dict[str, Any]], rate: float | None) -> Iterator[dict[str, Any]]:
    due = time.monotonic()
    for request in traffic:
        if rate:
            time.sleep(max(0, due - time.monotonic()))
            due = max(due, time.monotonic()) + 1 / rate
        yield request


def _body_of(request: dict[str, Any], *, secret: str) -> dict[str, Any]:
    """What `requests` needs to send it; a delivery is sent as the bytes that are signed."""
    if "event" not in request:
        return {"json": request.get("body")}
    raw = json.dumps(request["body"], separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "X-Webhook-Event": request["event"],
        "X-Webhook-Signature": sign(raw, secret),
    }
    return {"data": raw, "headers": headers}


def _exchange(
    session: requests.Session, base_url: str, request: dict[str, Any], *, secret: str
) -> Reply:
    try:
        response = session.request(
            request["method"],
            base_url + request["path"],
            **_body_of(request, secret=secret),
            timeout=TIMEOUT,
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return Reply(outcome=Outcome.NO_ANSWER, detail=_cause(error))
    if response.status_code != HTTPStatus.OK:
        return Reply(outcome=Outcome.HTTP_ERROR, detail=str(response.status_code))
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return Reply(outcome=Outcome.UNREADABLE, detail="not JSON")
    return _understood(request["method"], answer)


def _cause(error: requests.RequestException) -> str:
    """Describe the failure without the exception's message, which contains the lead's phone."""
    match error:
        case requests.Timeout():
            return f"no answer within {TIMEOUT} s"
        case requests.exceptions.SSLError():
            return "TLS failed"
        case requests.ConnectionError():
            return "connection failed"
        case _:
            return type(error).__name__


def _understood(method: str, answer: Any) -> Reply:
    match method, answer:
        case "GET", {"state": _, "contact_phone": _}:
            return Reply(outcome=Outcome.KNOWN)
        case "GET", {"state": _}:
            return Reply(outcome=Outcome.NEW)
        case "POST", {"success": True, "sync": bool(synced)}:
            warnings = answer.get("warnings")
            return Reply(
                outcome=Outcome.SYNCED if synced else Outcome.NOT_SYNCED,
                detail=str(answer.get("syncReason", "")),
                warnings=tuple(warnings) if isinstance(warnings, dict) else (),
            )
        case "POST", {"success": True}:
            return Reply(outcome=Outcome.DELIVERED)
    return Reply(outcome=Outcome.UNREADABLE, detail="not an answer of LeadSync")


def _check_first(reply: Reply) -> None:
    """Raise TrafficError if the first request shows that the key is refused."""
    if reply.outcome != Outcome.HTTP_ERROR or reply.detail not in ("401", "403"):
        return
    causes = {
        "401": "it is mistyped, unknown, revoked or expired",
        "403": "it may not write states, or not in this workspace",
    }
    raise TrafficError(
        f"The server refused the key ({reply.detail}): {causes[reply.detail]}. "
        "Create one with `manage.py create_bot NAME --role sarah` on the server, "
        "and pass it with --key or LEADSYNC_KEY."
    )
