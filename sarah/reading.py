"""Reads a message: every field that can be used, and a warning for each that cannot. Pure.

The bot never sends anything twice, so an unusable field is left out and everything else is kept
(CONTRACT 1, salvage).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db.models import TextChoices
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from contacts.addresses import InvalidUserId, is_none, is_user_id, read_user_id
from contacts.models import MAX_SCORE, Language, Temperature
from contacts.phones import InvalidPhone, to_e164
from contacts.text import clean_line, is_harmful
from sarah.facts import (
    BY_KEY,
    EMPTY,
    Reading,
    Unusable,
    read_anything,
    read_key,
    read_number,
    read_text,
)
from sarah.models import MAX_COUNT, ConversationState
from sarah.warned import Mended, Trouble, Warned

MAX_REF_LENGTH = 64
MAX_CLOCK_SKEW = timedelta(minutes=5)
EARLIEST_YEAR = 2000
NAME_OF_ID = "business_scoped_user_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who a message is of: the phone as sent, None if there is none, and the WhatsApp user id."""

    phone: object
    user_id: str
    warnings: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The fields of a message that were sent and can be used."""

    contact_phone: object
    """As sent; None if there is none."""
    user_id: str
    workspace_ref: str
    fields: dict[str, object]
    facts: dict[str, object]
    warnings: dict[str, str]


def read_message(body: dict[str, object], *, now: datetime) -> Message:
    """Return everything in `body` that can be used, and a warning for each field that cannot."""
    fields: dict[str, object] = {}
    warnings: dict[str, str] = {}
    for name, read in FIELDS.items():
        if body.get(name) is not None:
            _read_into(fields, warnings, name, partial(read, now=now), body[name])
    facts = _read_facts(body.get("extracted_data"), warnings)
    ref: dict[str, object] = {}
    if body.get("workspace_id") not in EMPTY:
        _read_into(ref, warnings, "workspace_id", read_ref, body["workspace_id"])
    sender = read_sender(body.get("contact_phone"), body.get(NAME_OF_ID))
    return Message(
        contact_phone=sender.phone,
        user_id=sender.user_id,
        workspace_ref=str(ref.get("workspace_id", "")),
        fields=fields,
        facts=facts,
        warnings=warnings | sender.warnings,
    )


def read_sender(phone: object, user_id: object) -> Sender:
    """Return who that is. An id sent as the phone is read as what it is.

    Of two that were sent, an unusable one is left out; raises InvalidUserId if there is only one.
    """
    if is_user_id(phone):
        phone, user_id = None, phone if is_none(user_id) else user_id
    phone = None if is_none(phone) else phone
    try:
        found = read_user_id(user_id)
    except InvalidUserId as error:
        if phone is None:
            raise
        return Sender(
            phone=phone,
            user_id="",
            warnings={NAME_OF_ID: Warned.SENDER_LEFT_OUT % {"problem": error}},
        )
    if phone is not None and found:
        try:
            to_e164(phone)
        except InvalidPhone as error:
            warnings = {"contact_phone": Warned.SENDER_LEFT_OUT % {"problem": error}}
            return Sender(phone=None, user_id=found, warnings=warnings)
    return Sender(phone=phone, user_id=found, warnings={})


def _read_into(
    values: dict[str, object],
    warnings: dict[str, str],
    name: str,
    read: Callable[[object], Reading],
    value: object,
) -> None:
    try:
        reading = read(value)
    except Unusable as error:
        warnings[name] = Warned.LEFT_OUT % {"field": name, "troubles": error}
        return
    values[name.removeprefix("extracted_data.")] = reading.value
    if reading.warning:
        warnings[name] = Warned.MENDED % {"field": name, "mended": reading.warning}


def _choice(choices: type[TextChoices]) -> Callable[..., Reading]:
    known = frozenset(choices.values)

    def read(value: object, now: datetime) -> Reading:
        chosen = clean_line(value).lower() if isinstance(value, str) else None
        if chosen not in known:
            raise Unusable(Trouble.NOT_ONE_OF % {"choices": ", ".join(choices.values)})
        return Reading(
            value=chosen,
            warning=Mended.CLEANED if is_harmful(str(value)) else "",
        )

    return read


def _read_score(value: object, now: datetime) -> Reading:
    return read_number(value, low=0, high=MAX_SCORE)


def _read_count(value: object, now: datetime) -> Reading:
    return read_number(value, low=0, high=MAX_COUNT)


def read_time(value: object, now: datetime) -> Reading:
    """Read a moment of the past, with five minutes for clocks that are fast."""
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.year < EARLIEST_YEAR:
        raise Unusable(Trouble.NOT_A_TIME)
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=UTC)
    if moment > now + MAX_CLOCK_SKEW:
        return Reading(value=now, warning=Mended.IN_FUTURE)
    return Reading(value=moment)


def read_ref(value: object) -> Reading:
    """Read the name of a workspace: its slug or its Kapso id, which may come as a number."""
    return read_text(value, max_length=MAX_REF_LENGTH)


FIELDS: dict[str, Callable[..., Reading]] = {
    "state": _choice(ConversationState),
    "lead_score": _read_score,
    "lead_temperature": _choice(Temperature),
    "language": _choice(Language),
    "message_count": _read_count,
    "last_message_at": read_time,
}


def field_of(name: str) -> str:
    """The field that a warning is about. What a bot made up may be personal: no log names it."""
    _facts, is_fact, key = name.partition("extracted_data.")
    return name if not is_fact or key in BY_KEY else "extracted_data"


def _read_facts(sent: object, warnings: dict[str, str]) -> dict[str, object]:
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        warnings["extracted_data"] = Warned.NOT_AN_OBJECT
        return {}
    facts: dict[str, object] = {}
    for sent_key, value in sent.items():
        key = read_key(sent_key)
        name = f"extracted_data.{key.value}"
        if value is None:
            continue
        if not key.value:
            warnings["extracted_data"] = Warned.NAMELESS_KEY
            continue
        fact = BY_KEY.get(str(key.value)) if value not in EMPTY else None
        _read_into(facts, warnings, name, fact.read if fact else read_anything, value)
        if key.warning:
            warnings.setdefault(name, Warned.KEY_MENDED % {"field": name, "mended": key.warning})
    return facts
