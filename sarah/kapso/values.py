"""Reads values out of a payload that may lack or distort any of them. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contacts.addresses import Address, InvalidUserId, is_none, read_address, read_user_id
from contacts.models.whatsapp import MAX_USERNAME
from contacts.phones import InvalidPhone
from contacts.text import clean_line, clean_text

MAX_NAME = 200
MAX_SKEW = timedelta(minutes=5)
EARLIEST = datetime(2009, 1, 1, tzinfo=UTC)
"""Nobody had WhatsApp before."""

Payload = dict[str, Any]


def at(payload: object, *path: str) -> Any:
    """The value at this path; None if something on the way is missing or no object."""
    for name in path:
        payload = payload.get(name) if isinstance(payload, dict) else None
    return payload


def part(payload: object, *path: str) -> Payload:
    """The object at this path; an empty one if there is none."""
    found = at(payload, *path)
    return found if isinstance(found, dict) else {}


def parts(payload: object, *path: str) -> Iterator[Payload]:
    """The objects in the list at this path."""
    found = at(payload, *path)
    yield from (one for one in (found if isinstance(found, list) else ()) if isinstance(one, dict))


def line(*sent: object, limit: int = MAX_NAME) -> str:
    """The first that is a text, on one line; a number is one, too."""
    texts = (
        clean_line(str(one))[:limit].rstrip()
        for one in sent
        if isinstance(one, str | int) and not isinstance(one, bool)
    )
    return next((text for text in texts if text), "")


def block(*sent: object, limit: int) -> str:
    """The first that is a text of one or more lines."""
    texts = (clean_text(one)[:limit].rstrip() for one in sent if isinstance(one, str))
    return next((text for text in texts if text), "")


def username(*sent: object) -> str:
    """WhatsApp has none with capitals."""
    return line(*sent, limit=MAX_USERNAME + 1).removeprefix("@")[:MAX_USERNAME].lower()


def moment(*sent: object, now: datetime) -> datetime:
    """The first usable time, in Unix seconds or ISO 8601; `now` if there is none or it is to
    come."""
    for one in sent:
        found = _read_time(one)
        if found and found >= EARLIEST:
            return now if found > now + MAX_SKEW else found
    return now


def address(phones: tuple[object, ...], user_ids: tuple[object, ...]) -> Address:
    """The first usable phone and the first usable id: either may be missing anywhere."""
    found = Address()
    for phone in phones:
        try:
            read = read_address(phone)
        except InvalidPhone:
            continue
        found = Address(phone=found.phone or read.phone, user_id=found.user_id or read.user_id)
    for user_id in user_ids:
        try:
            found = Address(phone=found.phone, user_id=found.user_id or read_user_id(user_id))
        except InvalidUserId:
            continue
    return found


def _read_time(sent: object) -> datetime | None:
    if is_none(sent) or isinstance(sent, bool):
        return None
    try:
        if isinstance(sent, int | float) or (isinstance(sent, str) and sent.strip().isdecimal()):
            return datetime.fromtimestamp(int(sent), UTC)
        found = parse_datetime(sent) if isinstance(sent, str) else None
        return timezone.make_aware(found, UTC) if found and timezone.is_naive(found) else found
    except (ValueError, OverflowError, OSError):
        return None
