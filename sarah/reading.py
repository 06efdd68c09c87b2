"""Reads a message: every field that can be used, and a warning for each that cannot. Pure.

The bot never sends anything twice, so an unusable field is left out and everything else is kept
(CONTRACT 1, salvage).
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

from contacts.addresses import InvalidUserId, is_none, is_user_id, read_user_id
from contacts.models import MAX_SCORE, Language, Temperature
from contacts.phones import InvalidPhone, to_e164
from contacts.text import clean_line, clean_text, is_harmful
from leadsync.infra.bodies import MAX_BODY
from sarah.facts import BY_KEY, EMPTY, Reading, Unusable, read_number, read_text
from sarah.models import MAX_COUNT, ConversationState

MAX_DEPTH = 20
CUT_DEPTH = MAX_DEPTH + 5
# Possessive, and a text may lack its end: else one quote after another is tried to the body's end.
JSON_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
MAX_DIGITS = 40
MAX_KEY_LENGTH = 100
MAX_TEXT = 10_000
MAX_REF_LENGTH = 64
MAX_CLOCK_SKEW = timedelta(minutes=5)
EARLIEST_YEAR = 2000
NAME_OF_ID = "business_scoped_user_id"
KNOWN_KEYS = {key: Reading(value=key) for key in BY_KEY}


class UnreadableBody(ValueError):
    """The body is not a JSON object; the text is a sentence for the bot's developer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The fields of a message that were sent and can be used."""

    contact_phone: object
    """As sent; None if there is none."""
    user_id: str
    workspace_ref: str
    fields: dict[str, object]
    facts: dict[str, object]
    warnings: dict[str, str]


def parse_body(raw: bytes) -> dict[str, object]:
    """Return the JSON object in `raw`; raises UnreadableBody if there is none."""
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
    sender = read_sender(body.get("contact_phone"), body.get(NAME_OF_ID))
    return Message(
        contact_phone=sender.phone,
        user_id=sender.user_id,
        workspace_ref=str(ref.get("workspace_id", "")),
        fields=fields,
        facts=facts,
        warnings=warnings | sender.warnings,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a message is of: the phone as sent, None if there is none, and the WhatsApp user id."""

    phone: object
    user_id: str
    warnings: dict[str, str]


def read_sender(phone: object, user_id: object) -> Sender:
    """Return who that is. An id sent as the phone is read as what it is.

    Of two that were sent, an unusable one is left out; raises InvalidUserId if there is only one.
    """
    if is_user_id(phone):
        phone, user_id = None, phone if is_none(user_id) else user_id
    phone = None if is_none(phone) else phone
    try:
        found = read_user_id(user_id)
    except InvalidUserId as error:
        if phone is None:
            raise
        return Sender(phone=phone, user_id="", warnings={NAME_OF_ID: f"{error} We left it out."})
    if phone is not None and found:
        try:
            to_e164(phone)
        except InvalidPhone as error:
            warnings = {"contact_phone": f"{error} We left it out."}
            return Sender(phone=None, user_id=found, warnings=warnings)
    return Sender(phone=phone, user_id=found, warnings={})


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
    known = frozenset(choices.values)

    def read(value: object, now: datetime) -> Reading:
        chosen = clean_line(value).lower() if isinstance(value, str) else None
        if chosen not in known:
            raise Unusable(f"is not one of {', '.join(choices.values)}")
        return Reading(
            value=chosen,
            warning="has control characters; we removed them" if is_harmful(str(value)) else "",
        )

    return read


def _read_score(value: object, now: datetime) -> Reading:
    return read_number(value, low=0, high=MAX_SCORE)


def _read_count(value: object, now: datetime) -> Reading:
    return read_number(value, low=0, high=MAX_COUNT)


def read_time(value: object, now: datetime) -> Reading:
    """Read a moment of the past, with five minutes for clocks that are fast."""
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
    "last_message_at": read_time,
}


def field_of(name: str) -> str:
    """The field that a warning is about. What a bot made up may be personal: no log names it."""
    _facts, is_fact, key = name.partition("extracted_data.")
    return name if not is_fact or key in BY_KEY else "extracted_data"


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
    return KNOWN_KEYS.get(sent) or read_text(sent, max_length=MAX_KEY_LENGTH)


def _read_anything(value: object) -> Reading:
    """Read the value of an unknown key, and make it fit to be stored."""
    problems: set[str] = set()
    kept = _tidy(value, 2, problems)
    if kept is None:
        raise Unusable(" and ".join(sorted(problems)) or "is empty")
    return Reading(
        value=kept,
        warning=f"{' and '.join(sorted(problems))}; we kept the rest" if problems else "",
    )


def _tidy(value: object, depth: int, problems: set[str]) -> object:
    """Remove what neither the database nor a page can take; None if nothing is left."""
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
