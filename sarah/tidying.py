"""Reads what a bot made up itself, under keys that are no fact: makes it fit to be stored. Pure."""

from contacts.text import clean_text, is_harmful
from sarah.facts import BY_KEY, Reading, Unusable, read_text
from sarah.parsing import MAX_DEPTH, MAX_DIGITS
from sarah.warned import AND, Mended, Trouble

MAX_KEY_LENGTH = 100
KNOWN_KEYS = {key: Reading(value=key) for key in BY_KEY}
MAX_TEXT = 10_000


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
