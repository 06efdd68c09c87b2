"""The rules of the sync: what a conversation changes in its lead (CONTRACT 3). Pure."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from contacts.models import Contact
from contacts.names import is_usable_name
from contacts.workflow import FUNNEL, SARAH, LeadStatus, is_forward
from sarah.facts import learned
from sarah.models import ConversationState, SarahState

COPIED = ("lead_score", "lead_temperature", "language")
ACTIVITY_RECORDED_EVERY = timedelta(minutes=1)
SPOOL_CLOCK_DOUBT = timedelta(minutes=5)


def changes_for(contact: Contact, state: SarahState) -> dict[str, object]:
    """Return the lead's fields that the conversation changes, with their new values.

    Fields that a person wrote (`staff_fields`) stay, a greeting or the like is no name, and the
    status only moves forward, and only if the message is younger than a person's last move.
    """
    proposed = learned(state.extracted_data) | {name: getattr(state, name) for name in COPIED}
    if not is_usable_name(str(proposed.get("name", ""))):
        proposed.pop("name", None)
    changes = {
        name: value
        for name, value in proposed.items()
        if name not in contact.staff_fields and getattr(contact, name) != value
    }
    status = settings.LEADSYNC_STATUS_BY_STATE[state.state]
    if is_forward(contact.lead_status, status) and is_news(contact, state):
        changes["lead_status"] = status
    if is_re_engaged(contact, at=state.updated_at):
        changes["re_engaged_at"] = state.updated_at
    news = state.updated_at - contact.last_activity_at
    if news > ACTIVITY_RECORDED_EVERY or (changes and news > timedelta()):
        changes["last_activity_at"] = state.updated_at
    return changes


def is_news(contact: Contact, state: SarahState) -> bool:
    """Whether the bot's last message arrived after a person last moved the lead.

    A retry or a reconciliation of an older message does not undo what the person decided since. A
    server's own clock, which tells when a message from its spool arrived, may be somewhat wrong.
    """
    moved = [contact.moved_by_person_at]
    if contact.status_changed_by not in ("", SARAH):  # perhaps by a process of a former release
        moved.append(contact.status_changed_at)
    doubt = SPOOL_CLOCK_DOUBT if state.waited_in_spool else timedelta()
    return all(at is None or state.updated_at - doubt > at for at in moved)


def is_re_engaged(contact: Contact, *, at: datetime) -> bool:
    """Whether an archived lead that wrote `at` that time has come back, and is not marked yet."""
    if contact.lead_status != LeadStatus.ARCHIVED:
        return False
    archived_at, marked_at = contact.status_changed_at, contact.re_engaged_at
    if marked_at and (archived_at is None or marked_at > archived_at):
        return False
    return archived_at is None or at > archived_at


def check_status_map() -> None:
    """Raise ImproperlyConfigured if LEADSYNC_STATUS_BY_STATE lacks a state or a known status."""
    statuses = settings.LEADSYNC_STATUS_BY_STATE
    if (
        not isinstance(statuses, dict)
        or set(statuses) != set(ConversationState.values)
        or any(status not in FUNNEL for status in statuses.values())
    ):
        raise ImproperlyConfigured(
            "LEADSYNC_STATUS_BY_STATE must be a JSON object that gives each of "
            f"{', '.join(ConversationState.values)} one of {', '.join(FUNNEL)}."
        )
