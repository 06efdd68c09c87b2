"""Reads a delivery of Meta's own kind, forwarded by Kapso or straight from Meta. Pure."""

from collections.abc import Callable, Iterator
from datetime import datetime

from contacts.addresses import Address
from contacts.models import Author, DeliveryStatus
from sarah.kapso.contents import proven_phone, reason_of
from sarah.kapso.events import Event, Marked, Moved, Named, Person, Preferred, Unknown
from sarah.kapso.messages import read_written, wamid_of
from sarah.kapso.values import Payload, address, at, line, moment, part, parts, username

CHANGED = ("user_changed_number", "user_changed_user_id")


def read(body: Payload, *, now: datetime) -> Iterator[Event]:
    """All that a delivery says: every change of every entry."""
    for entry in parts(body, "entry"):
        for change in parts(entry, "changes"):
            value, field = part(change, "value"), line(change.get("field"), limit=60)
            number_id = line(at(value, "metadata", "phone_number_id"), limit=64)
            if field in READERS:
                yield from READERS[field](value, number_id, now)
            else:
                yield Unknown(number_id=number_id, what=f"field {field or 'without a name'}")


def read_system(message: Payload, *, number_id: str, now: datetime) -> Iterator[Event]:
    """A person has a new number or a new id; of other news we need nothing."""
    system = part(message, "system")
    if system.get("type") not in CHANGED:
        return
    former = address(
        (message.get("from"),), (system.get("previous_user_id"), message.get("from_user_id"))
    )
    current = address((system.get("wa_id"),), (system.get("user_id"),))
    if former and current:
        yield Moved(
            number_id=number_id,
            former=former,
            person=Person(address=current),
            at=moment(message.get("timestamp"), now=now),
        )


def _read_messages(value: Payload, number_id: str, now: datetime) -> Iterator[Event]:
    for message in parts(value, "messages"):
        if message.get("type") == "system":
            yield from read_system(message, number_id=number_id, now=now)
        else:
            yield from _read_message(message, value, number_id, now, author=Author.LEAD)
    for status in parts(value, "statuses"):
        yield from _read_status(status, value, number_id, now)


def _read_echoes(value: Payload, number_id: str, now: datetime) -> Iterator[Event]:
    for message in parts(value, "message_echoes"):
        yield from _read_message(message, value, number_id, now, author=Author.STAFF)


def _read_history(value: Payload, number_id: str, now: datetime) -> Iterator[Event]:
    ours = _digits(at(value, "metadata", "display_phone_number"))
    for chunk in parts(value, "history"):
        for thread in parts(chunk, "threads"):
            for message in parts(thread, "messages"):
                is_ours = "to" in message or _digits(message.get("from")) == ours
                author = Author.STAFF if is_ours else Author.LEAD
                known = {"from": thread.get("id"), "to": thread.get("id")} | message
                yield from _read_message(
                    known, value, number_id, now, author=author, is_history=True
                )


def _digits(sent: object) -> str:
    return "".join(filter(str.isdigit, line(sent)))


def _read_message(
    message: Payload,
    value: Payload,
    number_id: str,
    now: datetime,
    *,
    author: Author,
    is_history: bool = False,
) -> Iterator[Event]:
    if message.get("group_id"):
        return
    end = "from" if author == Author.LEAD else "to"
    proven = proven_phone(message) if author == Author.LEAD else None
    found = address((message.get(end), proven), (message.get(f"{end}_user_id"),))
    yield from read_written(
        message,
        _person(found, value) if found else None,
        author=author,
        number_id=number_id,
        now=now,
        is_history=is_history,
    )


def _person(found: Address, value: Payload) -> Person:
    """With the names on the card of this address, wherever it stands in the list."""
    for card in parts(value, "contacts"):
        known = address((card.get("wa_id"),), (card.get("user_id"),))
        if (found.user_id and found.user_id == known.user_id) or (
            found.phone and found.phone == known.phone
        ):
            return Person(
                address=Address(
                    phone=found.phone or known.phone, user_id=found.user_id or known.user_id
                ),
                name=line(at(card, "profile", "name")),
                username=username(at(card, "profile", "username")),
            )
    return Person(address=found)


def _read_status(status: Payload, value: Payload, number_id: str, now: datetime) -> Iterator[Event]:
    """How far a message got, and who that person is."""
    wamid, told = wamid_of(status), status.get("status")
    if found := address((status.get("recipient_id"),), (status.get("recipient_user_id"),)):
        reached_at = moment(status.get("timestamp"), now=now)
        yield Named(number_id=number_id, person=_person(found, value), at=reached_at)
    if wamid and told in DeliveryStatus.values:
        yield Marked(
            number_id=number_id,
            wamid=wamid,
            status=DeliveryStatus(told),
            at=moment(status.get("timestamp"), now=now),
            reason=reason_of(status),
        )
    else:
        yield Unknown(number_id=number_id, what=f"status {line(told, limit=20)}")


def _read_preferences(value: Payload, number_id: str, now: datetime) -> Iterator[Event]:
    for preference in parts(value, "user_preferences"):
        found = address((preference.get("wa_id"),), (preference.get("user_id"),))
        if found and preference.get("value") in ("stop", "resume"):
            yield Preferred(
                number_id=number_id,
                person=_person(found, value),
                is_stopped=preference["value"] == "stop",
                at=moment(preference.get("timestamp"), now=now),
                sequence=None,
            )


READERS: dict[str, Callable[[Payload, str, datetime], Iterator[Event]]] = {
    "messages": _read_messages,
    "smb_message_echoes": _read_echoes,
    "history": _read_history,
    "user_preferences": _read_preferences,
}
