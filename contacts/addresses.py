"""Reads how a person is reached: by phone, by WhatsApp's id of the person, or by both. Pure."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext_noop

from contacts.phones import to_e164

BSUID = r"^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}\Z"
"""A business-scoped user id: one per person and business portfolio, kept verbatim (KAPSO 3)."""
MAX_BSUID = 135
NONE = ("", "null", "undefined")
"""Words that a bot's JavaScript sends for a value that it does not have."""

NOT_AN_ID = gettext_noop(
    "business_scoped_user_id is not one of WhatsApp's: send it as it came, like ID.1234567890."
)


class InvalidUserId(ValueError):
    """Not a business-scoped user id; `str()` is one sentence that never repeats the input."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A phone (E.164), a business-scoped user id, or both; blank where unknown."""

    phone: str = ""
    user_id: str = ""

    def __bool__(self) -> bool:
        return bool(self.phone or self.user_id)

    @property
    def identities(self) -> list[str]:
        """The halves that are known."""
        return [half for half in (self.phone, self.user_id) if half]


def is_none(sent: object) -> bool:
    """Whether `sent` is no value at all, as a program says it."""
    return sent is None or (isinstance(sent, str) and sent.strip() in NONE)


def is_user_id(sent: object) -> bool:
    return isinstance(sent, str) and bool(re.match(BSUID, sent.strip()))


def read_user_id(sent: object) -> str:
    """Return the id verbatim, blank if there is none. Raises InvalidUserId and nothing else."""
    if is_none(sent):
        return ""
    if isinstance(sent, str) and is_user_id(sent):
        return sent.strip()
    raise InvalidUserId(NOT_AN_ID)


def read_address(
    phone: object, user_id: object = None, *, region: str = "ID", from_person: bool = False
) -> Address:
    """Return the address in a phone of any spelling and an id, either of which may be none.

    An id sent as the phone is read as what it is. Raises InvalidPhone and InvalidUserId.
    """
    if is_user_id(phone):
        phone, user_id = None, phone if is_none(user_id) else user_id
    number = "" if is_none(phone) else to_e164(phone, region=region, from_person=from_person)
    return Address(phone=number, user_id=read_user_id(user_id))
