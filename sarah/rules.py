"""What the sync writes to a lead: pure rules on a conversation and a lead (CONTRACT 3)."""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from contacts.models import Contact
from contacts.workflow import FUNNEL, LeadStatus, is_forward
from sarah.facts import learned
from sarah.models import ConversationState, SarahState

COPIED = ("lead_score", "lead_temperature", "language")
ACTIVITY_RECORDED_EVERY = timedelta(minutes=1)


def changes_for(contact: Contact, state: SarahState) -> dict[str, object]:
    """Return the lead's fields that the conversation changes, with their new values.

    What a person edited (`staff_fields`) stays, a name is only given to a lead that has none, and
    the status only moves forward.
    """
    proposed = learned(state.extracted_data) | {name: getattr(state, name) for name in COPIED}
    if contact.name:
        proposed.pop("name", None)
    changes = {
        name: value
        for name, value in proposed.items()
        if name not in contact.staff_fields and getattr(contact, name) != value
    }
    status = settings.LEADSYNC_STATUS_BY_STATE[state.state]
    if is_forward(contact.lead_status, status):
        changes["lead_status"] = status
    if is_re_engaged(contact, state):
        changes["re_engaged_at"] = state.updated_at
    news = state.updated_at - contact.last_activity_at
    if news > ACTIVITY_RECORDED_EVERY or (changes and news > timedelta()):
        changes["last_activity_at"] = state.updated_at
    return changes


def is_re_engaged(contact: Contact, state: SarahState) -> bool:
    """Return whether a lead has written again since it was archived, and is not marked yet."""
    if contact.lead_status != LeadStatus.ARCHIVED:
        return False
    archived_at, marked_at = contact.status_changed_at, contact.re_engaged_at
    if marked_at and (archived_at is None or marked_at > archived_at):
        return False
    return archived_at is None or state.updated_at > archived_at


def check_status_map() -> None:
    """Stop the start unless LEADSYNC_STATUS_BY_STATE gives each state a known status."""
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
