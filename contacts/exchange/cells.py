"""Keeps a spreadsheet program from running what a lead typed, and takes that back. Pure.

A text that begins like a formula gets an apostrophe in front. So does such a beginning after a
separator: a program that splits cells elsewhere than we do would find a cell there.
"""

import re

FORMULA = "[=+\\-@\uff1d\uff0b\uff0d\uff20]"
_START, _INSIDE = f"\\A(?='*(?:{FORMULA}|[\\t\\r\\n]))", f"(?<=[;,\\t\\r\\n])(?='*{FORMULA})"
_RISKY = re.compile(f"{_START}|{_INSIDE}")
_NEUTRALISED = re.compile(_RISKY.pattern.replace("(?='*", "'(?='*"))


def neutralised(text: str) -> str:
    """Return the text as it may stand in a cell."""
    return _RISKY.sub("'", text)


def restored(cell: str) -> str:
    """Return what `neutralised` made this of."""
    return _NEUTRALISED.sub("", cell)
