"""The rules of the feed: what an event changes in its lead. Pure."""

from datetime import datetime

from contacts.models import Author, Contact
from contacts.quota import CREATED_BY_THE_FEED, CREATED_FOR_SARAH, FROM_AN_AD
from sarah.kapso.events import Person, Written
from sarah.rules import is_re_engaged

REPLACEABLE = ("", CREATED_BY_THE_FEED, CREATED_FOR_SARAH)
"""Sources that nobody chose: the ad is the better answer."""


def source_of(written: Written) -> str:
    return f"{FROM_AN_AD}{written.ad}" if written.ad else CREATED_BY_THE_FEED


def changes_by_message(lead: Contact, written: Written) -> dict[str, object]:
    """What a message changes, whenever it comes in: only later times are written."""
    if written.is_history:
        return {}
    changes = changes_by_profile(lead, written.person, at=written.sent_at)
    if written.author == Author.STAFF and _is_later(written.sent_at, lead.last_contact_at):
        changes["last_contact_at"] = written.sent_at
        if _is_later(written.sent_at, lead.handed_over_at):
            changes |= lead.stopped(by="", at=written.sent_at)
    if not written.is_enquiry:
        return changes
    if written.ad and lead.source in REPLACEABLE:
        changes["source"] = source_of(written)
    if is_re_engaged(lead, at=written.sent_at):
        changes["re_engaged_at"] = written.sent_at
    if _is_later(written.sent_at, lead.last_activity_at):
        changes["last_activity_at"] = written.sent_at
    return changes


def changes_by_profile(lead: Contact, person: Person, *, at: datetime) -> dict[str, object]:
    """The names that WhatsApp knows now; an event of before changes none."""
    names = {"whatsapp_name": person.name, "whatsapp_username": person.username}
    told = {name: value for name, value in names.items() if value}
    if told and _is_later(at, lead.profile_seen_at):
        return {**told, "profile_seen_at": at}
    return {name: value for name, value in told.items() if not getattr(lead, name)}


def _is_later(at: datetime, known: datetime | None) -> bool:
    return known is None or at > known
