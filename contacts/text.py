"""Cleans untrusted text: removes characters that could break a database, a log or a page."""

import re

ANSI = r"\x1b\[[0-9;?]*[ -/]*[@-~]"
HARMFUL = re.compile(rf"{ANSI}|[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")
"""Terminal sequences, control characters, lone surrogates, noncharacters: never part of a text."""
INVISIBLE = re.compile("[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
"""Direction marks and zero-width spaces: they reorder or hide the text beside them. The joiners
U+200C and U+200D stay, because some scripts and emoji need them."""

MAX_ITEMS, MAX_ITEM_LENGTH = 50, 500
"""Of a list of short texts, such as pain points."""


MARKUP = str.maketrans("", "", "*_~`<>[]@")
"""What WhatsApp, Slack, Telegram and the like read as formatting, a link or a call."""


def is_harmful(text: str) -> bool:
    return not text.isprintable() and bool(HARMFUL.search(text))


def clean_text(text: str) -> str:
    """Remove harmful and invisible characters; line breaks stay."""
    if text.isprintable():  # as nearly all are: there is neither in it
        return text.strip()
    return INVISIBLE.sub("", HARMFUL.sub("", text)).replace("\r\n", "\n").strip()


def clean_line(text: str) -> str:
    """The same on one line, with single spaces."""
    return " ".join(clean_text(text).split())


def plain(text: str, length: int) -> str:
    """What a lead said, for a message: one line, cut, that formats and links nothing."""
    line = " ".join(clean_text(text).translate(MARKUP).replace("://", " ").split())
    return line if len(line) <= length else f"{line[: length - 1]}…"
