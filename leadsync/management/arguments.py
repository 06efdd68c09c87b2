"""argparse types that several commands share."""

import re
from argparse import ArgumentTypeError
from datetime import timedelta

from django.conf import settings

from contacts.addresses import is_user_id
from contacts.models import Workspace
from contacts.phones import InvalidPhone, to_e164
from monitoring.kinds import MAX_NOTE

UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def workspace(slug: str) -> Workspace:
    """Return the workspace with this slug."""
    found = Workspace.objects.filter(slug=slug).first()
    if found is None:
        known = ", ".join(Workspace.objects.values_list("slug", flat=True)[:20])
        raise ArgumentTypeError(f"there is no workspace {slug!r}; there are: {known}")
    return found


def phone(typed: str) -> str:
    """Parse a phone in any spelling, to E.164."""
    try:
        return to_e164(typed, region=settings.LEADSYNC_DEFAULT_REGION, from_person=True)
    except InvalidPhone as error:
        raise ArgumentTypeError(str(error)) from error


def person(typed: str) -> str:
    """Parse who somebody is: a phone in any spelling, or a WhatsApp user id."""
    return typed.strip() if is_user_id(typed) else phone(typed)


def age(typed: str) -> timedelta:
    """Parse a length of time such as 90m, 12h, 7d or 2w."""
    match = re.fullmatch(r"(\d{1,5})([mhdw])", typed)
    if not match:
        raise ArgumentTypeError(f"{typed!r} is not a length of time: use 90m, 12h, 7d or 2w")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


def note(typed: str) -> str:
    """Parse a note of at most MAX_NOTE characters."""
    if len(typed) > MAX_NOTE:
        raise ArgumentTypeError(f"{len(typed)} characters are too many: write at most {MAX_NOTE}")
    return typed


def count(typed: str) -> int:
    """Parse a whole number from 1 to 1000."""
    if not typed.isdecimal() or not 1 <= int(typed) <= 1000:
        raise ArgumentTypeError(f"{typed!r} is not usable: use 1 to 1000")
    return int(typed)


def port(typed: str) -> int:
    """Parse a TCP port."""
    if not typed.isdecimal() or not 1 <= int(typed) <= 65535:
        raise ArgumentTypeError(f"{typed!r} is not a port: use 1 to 65535")
    return int(typed)
