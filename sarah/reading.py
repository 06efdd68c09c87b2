"""Reads a bot's message: what of the body can be used, and what was wrong with the rest.

Pure: asks neither the clock nor the database. The bot never sends anything twice, so a field
that cannot be used is left out and everything else is kept (CONTRACT 1, salvage).
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contacts.models import MAX_SCORE, Language, Temperature
from contacts.text import clean_line, clean_text, is_harmful
from leadsync.infra.bodies import MAX_BODY
from sarah.facts import BY_KEY, EMPTY, Reading, Unusable, read_number, read_text
from sarah.models import MAX_COUNT, ConversationState

MAX_DEPTH = 20
CUT_DEPTH = MAX_DEPTH + 5
JSON_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')
MAX_DIGITS = 40
MAX_KEY_LENGTH = 100
MAX_TEXT = 10_000
MAX_REF_LENGTH = 64
MAX_CLOCK_SKEW = timedelta(minutes=5)
EARLIEST_YEAR = 2000


class UnreadableBody(ValueError):
    """The body is not a JSON object; the message is a sentence for the bot's developer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a bot's message says: only fields that were sent and can be used."""

    contact_phone: object
    workspace_ref: str
    fields: dict[str, object]
    facts: dict[str, object]
    warnings: dict[str, str]


def parse_body(raw: bytes) -> dict[str, object]:
    """Return the JSON object in `raw`. Raises UnreadableBody if there is none."""
    try:
        body = _loads(raw)
    except ValueError:
        raise UnreadableBody("The body is not JSON. Send one JSON object.") from None
    if not isinstance(body, dict):
        raise UnreadableBody("The body is JSON, but not an object. Send one JSON object.")
    return body


def read_message(body: dict[str, object], *, now: datetime) -> Message:
    """Return everything in `body` that can be used, and a warning for each field that cannot."""
    fields: dict[str, object] = {}
    warnings: dict[str, str] = {}
    for name, read in FIELDS.items():
        if body.get(name) is not None:
            _read_into(fields, warnings, name, partial(read, now=now), body[name])
    facts = _read_facts(body.get("extracted_data"), warnings)
    ref: dict[str, object] = {}
    if body.get("workspace_id") not in EMPTY:
        _read_into(ref, warnings, "workspace_id", read_ref, body["workspace_id"])
    return Message(
        contact_phone=body.get("contact_phone"),
        workspace_ref=str(ref.get("workspace_id", "")),
        fields=fields,
        facts=facts,
        warnings=warnings,
    )


def as_evidence(raw: bytes, *, limit: int = MAX_BODY) -> dict[str, Any]:
    """Return a body as it is recorded: its digest, and the first `limit` bytes of its text."""
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
    """Return the JSON with `null` in place of what is nested deeper than Python can read. We would
    not keep it anyway; enough depth stays for the warning that it is too deep."""
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


def _read_into(
    values: dict[str, object],
    warnings: dict[str, str],
    name: str,
    read: Callable[[object], Reading],
    value: object,
) -> None:
    try:
        reading = read(value)
    except Unusable as error:
        warnings[name] = f"{name} {error}; we left it out."
        return
    values[name.removeprefix("extracted_data.")] = reading.value
    if reading.warning:
        warnings[name] = f"{name} {reading.warning}."


def _choice(choices: type[TextChoices]) -> Callable[..., Reading]:
    def read(value: object, now: datetime) -> Reading:
        if not isinstance(value, str) or clean_line(value).lower() not in choices.values:
            raise Unusable(f"is not one of {', '.join(choices.values)}")
        return Reading(
            value=clean_line(value).lower(),
            warning="has control characters; we removed them" if is_harmful(value) else "",
        )

    return read


def _read_score(value: object, now: datetime) -> Reading:
    return read_number(value, low=0, high=MAX_SCORE)


def _read_count(value: object, now: datetime) -> Reading:
    return read_number(value, low=0, high=MAX_COUNT)


def _read_time(value: object, now: datetime) -> Reading:
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.year < EARLIEST_YEAR:
        raise Unusable("is not an ISO 8601 time of this century")
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=UTC)
    if moment > now + MAX_CLOCK_SKEW:
        return Reading(value=now, warning="is in the future; we took the time of arrival")
    return Reading(value=moment)


def read_ref(value: object) -> Reading:
    """Read the name of a workspace: its slug or its Kapso id, which may come as a number."""
    return read_text(value, max_length=MAX_REF_LENGTH)


FIELDS: dict[str, Callable[..., Reading]] = {
    "state": _choice(ConversationState),
    "lead_score": _read_score,
    "lead_temperature": _choice(Temperature),
    "language": _choice(Language),
    "message_count": _read_count,
    "last_message_at": _read_time,
}


def _read_facts(sent: object, warnings: dict[str, str]) -> dict[str, object]:
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        warnings["extracted_data"] = "extracted_data is not an object; we left it out."
        return {}
    facts: dict[str, object] = {}
    for sent_key, value in sent.items():
        key = _read_key(sent_key)
        name = f"extracted_data.{key.value}"
        if value is None:
            continue
        if not key.value:
            warnings["extracted_data"] = "extracted_data has a key without a name; we left it out."
            continue
        fact = BY_KEY.get(str(key.value)) if value not in EMPTY else None
        _read_into(facts, warnings, name, fact.read if fact else _read_anything, value)
        if key.warning:
            warnings.setdefault(name, f"The key of {name} {key.warning}.")
    return facts


def _read_key(sent: str) -> Reading:
    return read_text(sent, max_length=MAX_KEY_LENGTH)


def _read_anything(value: object) -> Reading:
    """Read the value of an unknown key, and make it fit to be stored. Raises Unusable."""
    problems: set[str] = set()
    kept = _tidy(value, 2, problems)
    if kept is None:
        raise Unusable(" and ".join(sorted(problems)) or "is empty")
    return Reading(
        value=kept,
        warning=f"{' and '.join(sorted(problems))}; we kept the rest" if problems else "",
    )


def _tidy(value: object, depth: int, problems: set[str]) -> object:
    """Return `value` without what breaks a database or a page; None if nothing is left."""
    if isinstance(value, str):
        if is_harmful(value):
            problems.add("has control characters")
        if len(value) > MAX_TEXT:
            problems.add(f"has a text longer than {MAX_TEXT} characters")
        return clean_text(value)[:MAX_TEXT]
    if isinstance(value, float) and not abs(value) < 10.0**MAX_DIGITS:
        problems.add("has a number that is too large or none at all")
        return None
    if not isinstance(value, dict | list):
        return value
    if depth > MAX_DEPTH:
        problems.add(f"is nested deeper than {MAX_DEPTH}")
        return None
    if isinstance(value, list):
        items = (_tidy(item, depth + 1, problems) for item in value)
        return [item for item in items if item is not None]
    tidied = {}
    for sent_key, sent in value.items():
        key, item = _read_key(sent_key), _tidy(sent, depth + 1, problems)
        if key.warning:
            problems.add(f"has a key that {key.warning}")
        if item is not None:
            tidied[key.value] = item
    return tidied
