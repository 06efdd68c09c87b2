"""Reads a delivery of Kapso's own kind (v2), single or batched. Pure."""

from collections.abc import Iterator
from datetime import datetime

from contacts.models import Author, DeliveryStatus
from sarah.kapso import meta
from sarah.kapso.contents import proven_phone, reason_of
from sarah.kapso.events import Event, Marked, Moved, Named, Person, Preferred, Unknown
from sarah.kapso.messages import read_written, wamid_of
from sarah.kapso.values import Payload, address, at, line, moment, part, parts, username

MESSAGE = "whatsapp.message."
CONVERSATION = "whatsapp.conversation."
MOVED = "whatsapp.contact.identity_changed"
PREFERRED = "whatsapp.contact.marketing_preference_changed"
OF_MESSAGES = {f"{MESSAGE}{told}" for told in ("received", *DeliveryStatus.values)}
OF_CONVERSATIONS = {f"{CONVERSATION}{told}" for told in ("created", "ended", "inactive")}
BY_HAND = ("business_app", "history_sync")
"""Where messages of ours come from that a person wrote."""
BACKFILL = "leadsync.backfill"
"""The event of what `kapso_backfill` has fetched."""
TEST = "leadsync.test"
"""The event that a person sends from our own admin."""
KNOWN = {*OF_MESSAGES, *OF_CONVERSATIONS, MOVED, PREFERRED, BACKFILL, TEST}


def read_delivery(event: str, body: Payload, *, now: datetime) -> list[Event]:
    """Return all that a delivery says, in its order; `event` is the header's."""
    if isinstance(body.get("entry"), list):
        return list(meta.read(body, now=now))
    if body.get("batch") is True or isinstance(body.get("data"), list):
        event = line(body.get("type")) or event
        return [said for one in parts(body, "data") for said in _read(event, one, now)]
    return list(_read(event, body, now))


def _read(event: str, body: Payload, now: datetime) -> Iterator[Event]:
    number_id = line(
        body.get("phone_number_id"), at(body, "conversation", "phone_number_id"), limit=64
    )
    has_message = isinstance(body.get("message"), dict)
    if event not in KNOWN and (event or not has_message):
        yield Unknown(number_id=number_id, what=f"event {event or 'without a name'}")
    if has_message:
        yield from _read_message(event, body, number_id, now)
    elif event.startswith(CONVERSATION) or event == BACKFILL:
        if person := _person(part(body, "conversation"), part(body, "contact")):
            seen = (at(body, "conversation", "last_active_at"), at(body, "contact", "updated_at"))
            yield Named(number_id=number_id, person=person, at=moment(*seen, now=now))
    elif event == MOVED:
        yield from _read_move(body, number_id, now)
    elif event == PREFERRED:
        yield from _read_preference(body, number_id, now)
    elif event in OF_MESSAGES:
        yield Unknown(number_id=number_id, what=f"event {event} without a message")


def _read_message(event: str, body: Payload, number_id: str, now: datetime) -> Iterator[Event]:
    message, conversation = part(body, "message"), part(body, "conversation")
    if message.get("group_id") or conversation.get("group_id"):
        return
    if message.get("type") == "system":
        yield from meta.read_system(message, number_id=number_id, now=now)
        return
    origin = at(message, "kapso", "origin")
    is_inbound = _is_inbound(event, message)
    by_us = Author.STAFF if origin in BY_HAND else Author.BOT
    yield from read_written(
        message,
        _party(event, body),
        author=Author.LEAD if is_inbound else by_us,
        number_id=number_id,
        now=now,
        is_history=origin == "history_sync",
    )
    if not is_inbound and (wamid := wamid_of(message)):
        yield from _read_marks(event, message, wamid, number_id, now)


def _read_marks(
    event: str, message: Payload, wamid: str, number_id: str, now: datetime
) -> Iterator[Event]:
    """How far it got, by each of the three places that say so; each status once."""
    statuses = list(parts(message, "kapso", "statuses"))
    reasons = map(reason_of, (*reversed(statuses), message, part(message, "kapso")))
    reason = next(filter(None, reasons), "")
    sent = message.get("timestamp")
    names = (event.removeprefix(MESSAGE), line(at(message, "kapso", "status")))
    told = dict.fromkeys(names, sent)
    told |= {line(one.get("status")): one.get("timestamp") or sent for one in statuses}
    for status in DeliveryStatus:
        if status in told:
            yield Marked(
                number_id=number_id,
                wamid=wamid,
                status=status,
                at=moment(told[status], now=now),
                reason=reason if status == DeliveryStatus.FAILED else "",
            )


def _is_inbound(event: str, message: Payload) -> bool:
    direction = at(message, "kapso", "direction")
    if direction in ("inbound", "outbound"):
        return bool(direction == "inbound")
    if event in OF_MESSAGES:
        return event == f"{MESSAGE}received"
    by_them = message.get("from") or message.get("from_user_id")
    return bool(by_them) and not (message.get("to") or message.get("to_user_id"))


def _party(event: str, body: Payload) -> Person | None:
    """The person at the other end of a message."""
    message = part(body, "message")
    is_inbound = _is_inbound(event, message)
    end = "from" if is_inbound else "to"
    by = username(message.get("username")) if is_inbound else ""
    proven = proven_phone(message) if is_inbound else None
    return _person(
        part(body, "conversation"),
        part(body, "contact"),
        *_recipients(message),
        phone=message.get(end) or proven,
        user_id=message.get(f"{end}_user_id"),
        name=at(message, "kapso", "contact_name"),
        by=by,
    )


def _recipients(message: Payload) -> Iterator[Payload]:
    """Whom a message of ours reached, by its statuses."""
    for one in parts(message, "kapso", "statuses"):
        yield {
            "wa_id": one.get("recipient_id"),
            "business_scoped_user_id": one.get("recipient_user_id"),
        }


def _person(
    *known: Payload, phone: object = None, user_id: object = None, name: object = None, by: str = ""
) -> Person | None:
    """Who somebody is, by the first of the conversation and the contact that tells it."""
    phones = [one.get(key) for one in known for key in ("phone_number", "wa_id")]
    ids = [one.get("business_scoped_user_id") for one in known]
    found = address((phone, *phones), (user_id, *ids))
    if not found:
        return None
    names = [at(one, "kapso", "contact_name") for one in known]
    names += [one.get(key) for one in known for key in ("contact_name", "profile_name")]
    return Person(
        address=found,
        name=line(name, *names),
        username=by or username(*(one.get("username") for one in known)),
    )


def _read_move(body: Payload, number_id: str, now: datetime) -> Iterator[Event]:
    person = _person(part(body, "contact"))
    former = address((), (at(body, "previous", "business_scoped_user_id"),))
    if person and former:
        yield Moved(number_id=number_id, former=former, person=person, at=now)
    elif person:
        yield Named(number_id=number_id, person=person, at=now)


def _read_preference(body: Payload, number_id: str, now: datetime) -> Iterator[Event]:
    person, preference = _person(part(body, "contact")), part(body, "marketing_preference")
    status, sequence = preference.get("status"), preference.get("sequence")
    if person and status in ("stopped", "resumed"):
        yield Preferred(
            number_id=number_id,
            person=person,
            is_stopped=status == "stopped",
            at=moment(preference.get("occurred_at"), now=now),
            sequence=sequence if type(sequence) is int and abs(sequence) < 2**63 else None,
        )
