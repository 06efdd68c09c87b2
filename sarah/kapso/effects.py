"""Does what an event says: keeps the chat, and brings it to the lead. Each event is a commit."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from contacts import marketing, quota
from contacts.addresses import Address
from contacts.erasure import is_erased_since
from contacts.identity import Found, locked_lead, move, note_move
from contacts.models import ChatMark, ChatMessage, Contact, Workspace
from leadsync.infra.waits import bounded_waits
from monitoring.kinds import Kind, Source
from sarah.addressing import adopt, is_known_apart, join_conversations
from sarah.guards import record_failure
from sarah.kapso import rules
from sarah.kapso.events import Event, Marked, Moved, Named, Person, Preferred, Unknown, Written
from sarah.models import SarahState, of_person

SIGNATURE = "kapso"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """Where the events of a delivery go."""

    workspace: Workspace
    creates_leads: bool
    had_no_room: bool = False
    """Whether it was worked before, when the leads of an hour were used up."""
    is_late: bool = False
    """Whether it is worked again, or was fetched: who was erased since does not come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is left to do after an event is committed."""

    has_room: bool = True
    """Whether there was room for a new lead."""
    joined: Address | None = None
    """An address of which conversations know one half."""


DONE = Outcome()


class NoRoom(Exception):
    """The message is kept, and its lead is created in a later hour."""


def apply(event: Event, feed: Feed) -> None:
    """Do what one event says, in a transaction of its own; doing it twice does no harm.

    Raises NoRoom after the message is kept. Raises IntegrityError if another request was faster to
    insert the same: the next call finds it.
    """
    if not _is_ours(event.number_id, feed.workspace):
        event = Unknown(number_id=event.number_id, what=f"number {event.number_id}")
    with bounded_waits():
        outcome = _do(event, feed)
    if outcome.joined:
        join_conversations(outcome.joined, feed.workspace)
    if not outcome.has_room:
        raise NoRoom


def _do(event: Event, feed: Feed) -> Outcome:
    match event:
        case Written() if feed.is_late and _is_erased(event):
            return DONE
        case Written():
            return _write(event, feed)
        case Marked():
            _mark(event, feed)
        case Named():
            return _name(event, feed)
        case Preferred():
            return _prefer(event, feed)
        case Moved():
            _move(event, feed)
        case Unknown():
            _report(event.what, feed)
    return DONE


def _is_erased(written: Written) -> bool:
    """Whether the person was erased after this was written."""
    people = written.person.address.identities
    return any(is_erased_since(one, written.sent_at) for one in people)


def _write(written: Written, feed: Feed) -> Outcome:
    """Keep a message, and bring it to its lead."""
    is_new = ChatMessage.objects.keep(
        ChatMessage(
            workspace=feed.workspace,
            wamid=written.wamid,
            contact_phone=written.person.address.phone,
            business_scoped_user_id=written.person.address.user_id,
            author=written.author,
            type=written.type,
            text=written.text,
            transcript=written.transcript,
            sent_at=written.sent_at,
            is_history=written.is_history,
        )
    )
    found = locked_lead(written.person.address, feed.workspace, by=SIGNATURE)
    if found.lead:
        _change(found.lead, rules.changes_by_message(found.lead, written))
        return _found(found, feed)
    # A message that we had already brings back no lead that a person has deleted since.
    if written.is_enquiry and (is_new or feed.had_no_room) and _may_create(written, feed):
        if quota.is_used_up(feed.workspace):
            return _found(found, feed, has_room=False)
        _create(written, found, feed)
    return _found(found, feed)


def _found(found: Found, feed: Feed, *, has_room: bool = True) -> Outcome:
    """What was said by phone and by id is joined after the commit."""
    is_apart = is_known_apart(found.address, feed.workspace)
    return Outcome(has_room=has_room, joined=found.address if is_apart else None)


def _may_create(written: Written, feed: Feed) -> bool:
    phone = written.person.address.phone
    return feed.creates_leads and not feed.workspace.is_test_number(phone)


def _create(written: Written, found: Found, feed: Feed) -> None:
    """Add the lead where the person is today. Saving it heals the conversations that wait."""
    person = written.person
    lead = Contact(
        workspace=feed.workspace,
        phone=found.address.phone or None,
        business_scoped_user_id=found.address.user_id or None,
        whatsapp_name=person.name,
        whatsapp_username=person.username,
        profile_seen_at=written.sent_at if person.name or person.username else None,
        source=rules.source_of(written),
        last_activity_at=written.sent_at,
        last_contact_at=_last_contact(person, found, feed),
    )
    lead.save(force_insert=True)
    if found.moved_at:
        note_move(lead, at=found.moved_at)


def _last_contact(person: Person, found: Found, feed: Feed) -> datetime | None:
    """When staff wrote to somebody who was no lead yet: that may have come in first."""
    at = {person.address, found.address}
    times = [
        ChatMessage.objects.of(one, workspace_id=feed.workspace.pk).last_by_staff() for one in at
    ]
    return max(filter(None, times), default=None)


def _mark(marked: Marked, feed: Feed) -> None:
    ChatMark.objects.keep(
        ChatMark(
            workspace=feed.workspace,
            wamid=marked.wamid,
            status=marked.status,
            at=marked.at,
            reason=marked.reason,
        )
    )


def _name(named: Named, feed: Feed) -> Outcome:
    found = _known(named.person, feed)
    if found.lead:
        _change(found.lead, rules.changes_by_profile(found.lead, named.person, at=named.at))
    return _found(found, feed)


def _prefer(preferred: Preferred, feed: Feed) -> Outcome:
    found = _known(preferred.person, feed)
    if found.lead:
        found.lead.change(marketing.changes_by(found.lead, preferred), by=SIGNATURE)
    else:
        marketing.keep(preferred, found.address, feed.workspace)
    return _found(found, feed)


def _move(moved: Moved, feed: Feed) -> None:
    """The conversation first: whoever locks both locks them in this order."""
    person = moved.person
    here = of_person(moved.former) | of_person(person.address)
    states = SarahState.objects.select_for_update(no_key=True).filter(here)
    if found := list(states.filter(workspace=feed.workspace).order_by("pk")):
        adopt(found, feed.workspace).move_along(moved.former, person.address)
    lead = move(moved.former, person.address, feed.workspace, at=moved.at, by=SIGNATURE)
    marketing.move(moved.former, person.address, feed.workspace)
    if lead:
        _change(lead, rules.changes_by_profile(lead, person, at=moved.at))


def _known(person: Person, feed: Feed) -> Found:
    return locked_lead(person.address, feed.workspace, by=SIGNATURE)


def _change(lead: Contact, changes: dict[str, object]) -> None:
    if not lead.opted_out:
        lead.change(changes, by=SIGNATURE)


def _is_ours(number_id: str, workspace: Workspace) -> bool:
    """Whether the business's number is this workspace's, or at least no other's."""
    if not number_id or workspace.kapso_phone_number_id:
        return number_id in ("", workspace.kapso_phone_number_id)
    return not Workspace.objects.filter(kapso_phone_number_id=number_id).exists()


def _report(what: str, feed: Feed) -> None:
    """Name what we do not know once; what it said is kept with the delivery."""
    record_failure(
        kind=Kind.INVALID_PAYLOAD,
        source=Source.KAPSO,
        error=f"Kapso sent something that LeadSync does not know: {what}.",
        workspace_ref=feed.workspace.slug,
        fingerprint=sha256(what.encode()).hexdigest(),
    )
