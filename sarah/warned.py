"""What bots are told of fields that cannot be used as they were sent: in English to them, and in a
person's language to people."""

from enum import StrEnum

from django.utils.translation import gettext_noop

from contacts.sentences import SENTENCES as SENDERS
from leadsync.infra.sentences import Patterns


class Trouble(StrEnum):
    """Why a value is left out."""

    NOT_A_NUMBER = gettext_noop("is not a number")
    NOT_A_TEXT = gettext_noop("is not a text")
    NOT_WRITABLE = gettext_noop("is not a number that can be written")
    NOT_A_LIST = gettext_noop("is not a list of texts")
    NOT_ONE_OF = gettext_noop("is not one of %(choices)s")
    NOT_A_TIME = gettext_noop("is not an ISO 8601 time of this century")
    NO_SUCH_NUMBER = gettext_noop("has a number that is too large or none at all")
    LONG_TEXT = gettext_noop("has a text longer than %(most)s characters")
    CONTROLS = gettext_noop("has control characters")
    TOO_DEEP = gettext_noop("is nested deeper than %(most)s")
    BAD_KEY = gettext_noop("has a key that %(mended)s")
    EMPTY = gettext_noop("is empty")


class Mended(StrEnum):
    """What was wrong with a value, and what we did."""

    OUT_OF_BOUNDS = gettext_noop("is not between %(low)s and %(high)s; we took %(taken)s")
    CUT = gettext_noop("is longer than %(most)s characters; we cut it")
    CLEANED = gettext_noop("has control characters; we removed them")
    NO_TEXTS = gettext_noop("has items that are no texts; we left them out")
    BAD_ITEM = gettext_noop("has an item that %(mended)s")
    MANY_ITEMS = gettext_noop("has more than %(most)s items; we left the others out")
    IN_FUTURE = gettext_noop("is in the future; we took the time of arrival")
    REST_KEPT = gettext_noop("%(troubles)s; we kept the rest")


class Warned(StrEnum):
    """The whole sentences."""

    LATE = gettext_noop(
        "message_count is lower than the stored one: the message came late or the bot has lost its "
        "memory. We filled what was empty and kept the rest."
    )
    TOO_MUCH = gettext_noop(
        "extracted_data would have over %(keys)s keys or over %(size)s KiB; we left this out."
    )
    NAMELESS_KEY = gettext_noop("extracted_data has a key without a name; we left it out.")
    NOT_AN_OBJECT = gettext_noop("extracted_data is not an object; we left it out.")
    LEFT_OUT = gettext_noop("%(field)s %(troubles)s; we left it out.")
    KEY_MENDED = gettext_noop("The key of %(field)s %(mended)s.")
    MENDED = gettext_noop("%(field)s %(mended)s.")
    SENDER_LEFT_OUT = gettext_noop("%(problem)s We left it out.")


AND = gettext_noop(" and ")
_plain = Patterns(*Mended)
_troubles = Patterns(*Trouble, gaps={"mended": _plain}, joined=AND)
_mended = Patterns(*Mended, gaps={"mended": _plain, "troubles": _troubles})
SENTENCES = Patterns(
    *Warned,
    gaps={
        "troubles": _troubles,
        "mended": _mended,
        "problem": SENDERS,
    },
)
"""All that a bot is warned of."""
