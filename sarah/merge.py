"""Merges a message into the stored conversation. Pure."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from leadsync.infra.bodies import MAX_BODY
from sarah.facts import EMPTY
from sarah.models import ConversationState, SarahState
from sarah.reading import Message
from sarah.warned import Warned

MAX_KEYS = 100
ORDER = ConversationState.values
TOO_MUCH = Warned.TOO_MUCH % {"keys": MAX_KEYS, "size": MAX_BODY // 1024}


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The changed fields, those that the message told, what was left out and why, and whether the
    message was late."""

    values: dict[str, object]
    told: Collection[str]
    problems: dict[str, str]
    is_late: bool


def merge(stored: SarahState, message: Message, *, is_late: bool = False) -> Merge:
    """Merge a message into `stored`: absent fields stay, facts are merged key by key.

    A late message, or one of a bot that lost its memory (CONTRACT 1), only fills empty facts and
    moves the state forward. The message's count tells, or the caller.
    """
    sent_count = message.fields.get("message_count")
    is_late = is_late or (isinstance(sent_count, int) and sent_count < stored.message_count)
    fields = dict(message.fields)
    if is_late:
        fields = {"state": later_state(stored.state, str(fields.get("state", stored.state)))}
    facts, left_out = merge_facts(stored.extracted_data, message.facts, only_fill=is_late)
    values = {name: value for name, value in fields.items() if getattr(stored, name) != value}
    known = stored.extracted_data
    if facts != known or _text(facts) != _text(known):  # as JSON: in Python, 1 == True
        values["extracted_data"] = facts
    return Merge(
        values=values,
        told=fields.keys(),
        problems={f"extracted_data.{key}": TOO_MUCH for key in left_out},
        is_late=is_late,
    )


def later_state(one: str, other: str) -> str:
    return max(one, other, key=ORDER.index)


def merge_facts(
    stored: Mapping[str, object], new: Mapping[str, object], *, only_fill: bool = False
) -> tuple[dict[str, object], list[str]]:
    """Return the merged facts, and the keys of `new` that did not fit.

    An empty value never replaces a filled one; with `only_fill` no value does.
    """
    news = {
        key: value
        for key, value in new.items()
        if stored.get(key) in EMPTY or not (only_fill or value in EMPTY)
    }
    merged = {**stored, **news}
    if len(merged) <= MAX_KEYS and _size(merged) <= MAX_BODY:
        return merged, []
    return _merge_what_fits(stored, news)


def _merge_what_fits(
    stored: Mapping[str, object], news: Mapping[str, object]
) -> tuple[dict[str, object], list[str]]:
    merged, left_out = dict(stored), []
    room = MAX_BODY - _size(merged)
    for key, value in news.items():
        cost = _size({key: value}) - (_size({key: merged[key]}) if key in merged else 0)
        if cost > room or (key not in merged and len(merged) >= MAX_KEYS):
            left_out.append(key)
            continue
        room -= cost
        merged[key] = value
    return merged, left_out


def _size(facts: Mapping[str, object]) -> int:
    return len(_text(facts).encode())


def _text(facts: Mapping[str, object]) -> str:
    return json.dumps(facts, ensure_ascii=False)
