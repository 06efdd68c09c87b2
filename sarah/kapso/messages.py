"""Reads one message, which both kinds of payload have in the same form. Pure."""

from collections.abc import Iterator
from datetime import datetime

from contacts.models import MAX_WAMID, Author
from sarah.kapso.contents import KNOWN, ad_of, text_of, transcript_of, type_of
from sarah.kapso.events import Event, Person, Unknown, Written
from sarah.kapso.values import Payload, line, moment


def wamid_of(payload: Payload) -> str:
    """The message's id, verbatim; blank if it has none that could be kept."""
    wamid = line(payload.get("id"), limit=MAX_WAMID + 1)
    return wamid if len(wamid) <= MAX_WAMID else ""


def read_written(
    message: Payload,
    person: Person | None,
    *,
    author: Author,
    number_id: str,
    now: datetime,
    is_history: bool = False,
) -> Iterator[Event]:
    """What somebody wrote; a type that we do not know is kept, and named."""
    wamid, kind = wamid_of(message), type_of(message)
    if not wamid or person is None:
        yield Unknown(number_id=number_id, what="message without an id or an address")
        return
    if kind not in KNOWN:
        yield Unknown(number_id=number_id, what=f"message type {kind}")
    yield Written(
        number_id=number_id,
        wamid=wamid,
        person=person,
        author=author,
        type=kind,
        text=text_of(message),
        transcript=transcript_of(message),
        sent_at=moment(message.get("timestamp"), now=now),
        is_history=is_history,
        ad=ad_of(message),
    )
