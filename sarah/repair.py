"""Repairs a message of which fields could not be used: a person says what they should have been."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contacts.addresses import InvalidUserId
from contacts.phones import InvalidPhone
from leadsync.infra.bodies import UnreadableBody, parse_body
from monitoring.models.failures import SyncFailure
from sarah.facts import BY_KEY
from sarah.journal import Arrival
from sarah.reading import FIELDS, read_message
from sarah.receive import PersonErased, receive

MAX_SHOWN = 200
FACT = "extracted_data."


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """A field that could not be used as it was sent, and why."""

    name: str
    sent: str
    why: str


def flaws_of(failure: SyncFailure) -> list[Flaw]:
    """Return the fields of a failure's message that a person can put right."""
    try:
        body = parse_body(str(failure.payload.get("body", "")).encode())
        warnings = read_message(body, now=failure.last_seen_at).warnings
    except (UnreadableBody, InvalidPhone, InvalidUserId):
        return []
    facts = body.get("extracted_data")
    sent = body | {f"{FACT}{key}": fact for key, fact in _items(facts)}
    return [
        Flaw(name=name, sent=_shown(sent.get(name)), why=why)
        for name, why in warnings.items()
        if name in FIELDS or name.removeprefix(FACT) in BY_KEY
    ]


def repair(failure: SyncFailure, typed: Mapping[str, str], *, by: str) -> list[str]:
    """Receive these values as if they had been in the message, and close the failure, signed `by`;
    returns what cannot be used of them.

    They count as said when it came in: what Sarah said since is not undone.
    """
    state: Any = failure.state
    fields = {name: value for name, value in typed.items() if not name.startswith(FACT)}
    facts = {name.removeprefix(FACT): value for name, value in typed.items() if name not in fields}
    identity = ("contact_phone", "business_scoped_user_id", "workspace_id")
    known = {name: value for name, value in state.as_payload().items() if name in identity}
    body = {**known, **fields, "extracted_data": facts}
    message = read_message(body, now=failure.last_seen_at)
    if message.warnings:
        return list(message.warnings.values())
    arrival = Arrival(
        message=message,
        raw=json.dumps(body).encode(),
        started=time.perf_counter(),
        key_workspace=state.workspace,
        at=failure.last_seen_at,
        was_stored=True,
    )
    try:
        receive(arrival)
    except PersonErased:
        return []
    SyncFailure.objects.filter(pk=failure.pk).mark_sent(by=by)
    return []


def _items(facts: object) -> list[tuple[str, object]]:
    return list(facts.items()) if isinstance(facts, dict) else []


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text[:MAX_SHOWN].encode("utf-8", "replace").decode()
