"""The facts that Sarah may learn: the keys they come under, how they are read, where they go.

What a bot made up itself, under keys that are no fact, is made fit to be stored. Pure.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from contacts.models import MAX_TEAM_SIZE, Contact
from contacts.text import MAX_ITEM_LENGTH, MAX_ITEMS, clean_line, clean_text, is_harmful
from leadsync.infra.bodies import MAX_DEPTH, MAX_DIGITS
from sarah.warned import AND, Mended, Trouble

GROUPED = re.compile(r"[+-]?\d{1,3}([.,]\d{3}){1,12}")
NUMBER = re.compile(r"[+-]?\d{1,40}([.,]\d{1,40})?")
MAX_KEY_LENGTH = 100
MAX_TEXT = 10_000


class Unusable(ValueError):
    """The value cannot be stored; the text completes a sentence about the field."""


class Reading(NamedTuple):
    """A usable value, and what was wrong with it and what we did (blank: nothing).

    A tuple, because each message makes twenty, and dataclasses take three times as long.
    """

    value: object
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One fact, copied to the lead's field of the same name."""

    field: str
    keys: tuple[str, ...]
    read: Callable[[object], Reading]


def read_number(value: object, *, low: int, high: int) -> Reading:
    """Read a whole number from a number or numeric string, rounded half up and clamped.

    `1.000` and `1,000` mean a thousand, unless that is out of range.
    """
    if isinstance(value, str) and GROUPED.fullmatch(value.strip()):
        grouped = int(re.sub("[.,]", "", value.strip()))
        value = grouped if low <= grouped <= high else value
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        value = float(value.strip().replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise Unusable(Trouble.NOT_A_NUMBER)
    if value < low or value > high:
        clamped = low if value < low else high
        bounds = {"low": low, "high": high, "taken": clamped}
        return Reading(value=clamped, warning=Mended.OUT_OF_BOUNDS % bounds)
    return Reading(value=math.floor(value + 0.5))


def read_text(value: object, *, max_length: int, one_line: bool = True) -> Reading:
    """Read text from a string, a number or a list of them, cleaned and cut."""
    if isinstance(value, str) and len(value) <= max_length and value.isprintable():
        return Reading(value=" ".join(value.split()) if one_line else value.strip())
    if isinstance(value, list):
        value = ", ".join(str(item) for item in value if isinstance(item, str | int | float))
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Unusable(Trouble.NOT_A_TEXT)
    if isinstance(value, float) and not math.isfinite(value):
        raise Unusable(Trouble.NOT_WRITABLE)
    sent = str(value)
    text = clean_line(sent) if one_line else clean_text(sent)
    if len(text) > max_length:
        return Reading(
            value=text[:max_length].rstrip(),
            warning=Mended.CUT % {"most": max_length},
        )
    if is_harmful(sent):
        return Reading(value=text, warning=Mended.CLEANED)
    return Reading(value=text)


def read_list(value: object) -> Reading:
    """Read a list of short texts; a single text is a list of one, empty items are skipped."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, list):
        raise Unusable(Trouble.NOT_A_LIST)
    items, warning = [], ""
    for item in value[:MAX_ITEMS]:
        try:
            reading = read_text(item, max_length=MAX_ITEM_LENGTH)
        except Unusable:
            warning = Mended.NO_TEXTS
            continue
        if reading.warning:
            warning = Mended.BAD_ITEM % {"mended": reading.warning}
        if reading.value:
            items.append(reading.value)
    if len(value) > MAX_ITEMS:
        warning = Mended.MANY_ITEMS % {"most": MAX_ITEMS}
    return Reading(value=items, warning=warning)


def _team_size(value: object) -> Reading:
    return read_number(value, low=0, high=MAX_TEAM_SIZE)


def _text_fact(field: str, *aliases: str) -> Fact:
    column: Any = Contact._meta.get_field(field)
    one_line = column.get_internal_type() == "CharField"

    def read(value: object) -> Reading:
        return read_text(value, max_length=column.max_length, one_line=one_line)

    return Fact(field=field, keys=(field, *aliases), read=read)


FACTS = (
    _text_fact("name"),
    _text_fact("business_type"),
    Fact(field="team_size", keys=("team_size",), read=_team_size),
    Fact(field="pain_points", keys=("pain_points",), read=read_list),
    _text_fact("goals"),
    _text_fact("location", "domisili"),
    _text_fact("business_duration", "tenure"),
    _text_fact("story"),
    _text_fact("interest_motivation"),
    _text_fact("priority"),
    _text_fact("urgency_level"),
    _text_fact("closing_technique", "closing_technique_used"),
    _text_fact("objection", "objection_raised"),
)
BY_KEY = {key: fact for fact in FACTS for key in fact.keys}
KNOWN_KEYS = {key: Reading(value=key) for key in BY_KEY}
EMPTY: tuple[object, ...] = ("", [], {}, None)


def learned(extracted_data: Mapping[str, object]) -> dict[str, object]:
    """Return the lead's fields that these facts fill: usable, non-empty values by field name.

    If a fact comes under two keys, the first filled one counts.
    """
    values = {}
    for fact in FACTS:
        for key in fact.keys:
            if extracted_data.get(key) in EMPTY:
                continue
            try:
                value = fact.read(extracted_data[key]).value
            except Unusable:
                continue
            if value not in EMPTY:
                values[fact.field] = value
                break
    return values


def read_key(sent: str) -> Reading:
    return KNOWN_KEYS.get(sent) or read_text(sent, max_length=MAX_KEY_LENGTH)


def read_anything(value: object) -> Reading:
    """Read the value of an unknown key, and make it fit to be stored."""
    problems: set[str] = set()
    kept = _tidy(value, 2, problems)
    if kept is None:
        raise Unusable(AND.join(sorted(problems)) or Trouble.EMPTY)
    return Reading(
        value=kept,
        warning=Mended.REST_KEPT % {"troubles": AND.join(sorted(problems))} if problems else "",
    )


def _tidy(value: object, depth: int, problems: set[str]) -> object:
    """Remove what neither the database nor a page can take; None if nothing is left."""
    if isinstance(value, str):
        if is_harmful(value):
            problems.add(Trouble.CONTROLS)
        if len(value) > MAX_TEXT:
            problems.add(Trouble.LONG_TEXT % {"most": MAX_TEXT})
        return clean_text(value)[:MAX_TEXT]
    if isinstance(value, float) and not abs(value) < 10.0**MAX_DIGITS:
        problems.add(Trouble.NO_SUCH_NUMBER)
        return None
    if not isinstance(value, dict | list):
        return value
    if depth > MAX_DEPTH:
        problems.add(Trouble.TOO_DEEP % {"most": MAX_DEPTH})
        return None
    if isinstance(value, list):
        items = (_tidy(item, depth + 1, problems) for item in value)
        return [item for item in items if item is not None]
    tidied = {}
    for sent_key, sent in value.items():
        key, item = read_key(sent_key), _tidy(sent, depth + 1, problems)
        if key.warning:
            problems.add(Trouble.BAD_KEY % {"mended": key.warning})
        if item is not None:
            tidied[key.value] = item
    return tidied
