"""The rules of the sync: what a conversation changes in its lead (CONTRACT 3). Pure."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from contacts.models import Contact, Temperature, started
from contacts.names import is_usable_name
from contacts.workflow import FUNNEL, SARAH, LeadStatus, is_forward
from sarah.facts import learned
from sarah.models import ConversationState, SarahState

COPIED = ("lead_score", "lead_temperature", "language")
STATUS_BY_STATE: dict[str, str] = {
    ConversationState.GREETING: LeadStatus.NEW,
    ConversationState.QUALIFYING: LeadStatus.QUALIFIED,
    ConversationState.SCORING: LeadStatus.QUALIFIED,
    ConversationState.HANDOFF: LeadStatus.CONTACTED,
    ConversationState.COMPLETED: LeadStatus.CONVERTED,
}
COMPLETED_COLD = "completed_cold"
"""The key for a completed conversation with somebody who is cold, that is, not interested."""
KEYS = (*STATUS_BY_STATE, COMPLETED_COLD)
ACTIVITY_RECORDED_EVERY = timedelta(minutes=1)
SPOOL_CLOCK_DOUBT = timedelta(minutes=5)


def changes_for(contact: Contact, state: SarahState) -> dict[str, object]:
    """Return the lead's fields that the conversation changes, with their new values.

    Fields that a person wrote (`staff_fields`) stay, a greeting or the like is no name, and the
    status only moves forward, and only if the message is younger than a person's last move.
    """
    changes = {
        name: value
        for name, value in proposed_by(state).items()
        if name not in contact.staff_fields and getattr(contact, name) != value
    }
    status = status_after(state)
    if is_forward(contact.lead_status, status) and is_news(contact, state):
        changes["lead_status"] = status
        if status == LeadStatus.CONTACTED:
            changes |= clock_of(contact, changes, state)
    if is_re_engaged(contact, at=state.updated_at):
        changes["re_engaged_at"] = state.updated_at
    news = state.updated_at - contact.last_activity_at
    if news > ACTIVITY_RECORDED_EVERY or (changes and news > timedelta()):
        changes["last_activity_at"] = state.updated_at
    return changes


def proposed_by(state: SarahState) -> dict[str, object]:
    """Return what the conversation says of a lead's fields, whoever holds them."""
    proposed = learned(state.extracted_data) | {name: getattr(state, name) for name in COPIED}
    if not is_usable_name(str(proposed.get("name", ""))):
        proposed.pop("name", None)
    return proposed


def clock_of(contact: Contact, changes: dict[str, object], state: SarahState) -> dict[str, object]:
    """Return the response clock of a lead that is being handed over.

    A retry hands it over only now: until then, nobody could have answered.
    """
    temperature, score = (
        changes.get(name, getattr(contact, name)) for name in ("lead_temperature", "lead_score")
    )
    at = (state.is_retry and state.synced_at) or state.updated_at
    if state.is_import:
        return {}
    return started(str(temperature), int(str(score)), state.workspace, at=at)


def wants_an_owner(contact: Contact, state: SarahState, changes: dict[str, object]) -> bool:
    """Whether this hands over a lead of nobody's, in a workspace that gives leads by turns."""
    is_handoff = changes.get("lead_status") == LeadStatus.CONTACTED and not state.is_import
    by_turns = bool(state.workspace and state.workspace.assigns_by_turns)
    return is_handoff and by_turns and contact.assigned_to_id is None


def is_news(contact: Contact, state: SarahState) -> bool:
    """Whether the bot's last message arrived after a person last moved the lead.

    A retry or a reconciliation of an older message does not undo what the person decided since. A
    server's own clock, which tells when a message from its spool arrived, may be somewhat wrong.
    """
    moved = [contact.moved_by_person_at]
    by_bot = contact.status_changed_at == contact.moved_by_bot_at
    if not by_bot and contact.status_changed_by not in ("", SARAH):
        moved.append(contact.status_changed_at)  # perhaps by a process of a former release
    doubt = SPOOL_CLOCK_DOUBT if state.waited_in_spool else timedelta()
    told_at = (state.state_told_at or state.updated_at) - doubt
    return all(at is None or told_at > at for at in moved)


def is_re_engaged(contact: Contact, *, at: datetime) -> bool:
    """Whether an archived lead that wrote `at` that time has come back, and is not marked yet."""
    if contact.lead_status != LeadStatus.ARCHIVED:
        return False
    archived_at, marked_at = contact.status_changed_at, contact.re_engaged_at
    if marked_at and (archived_at is None or marked_at > archived_at):
        return False
    return archived_at is None or at > archived_at


def status_after(state: SarahState) -> str:
    """Return the status that the conversation gives a lead: as its workspace says, else the
    installation, else as usual."""
    of_workspace = (state.workspace and state.workspace.status_by_state) or {}
    statuses = STATUS_BY_STATE | settings.LEADSYNC_STATUS_BY_STATE | of_workspace
    is_cold = state.lead_temperature == Temperature.COLD
    if is_cold and state.state == ConversationState.COMPLETED and COMPLETED_COLD in statuses:
        return statuses[COMPLETED_COLD]
    return statuses[state.state]


def statuses_after(key: str) -> list[LeadStatus]:
    """Return the statuses that may be chosen for a state, or for COMPLETED_COLD."""
    return [*FUNNEL, LeadStatus.ARCHIVED] if key == COMPLETED_COLD else [*FUNNEL]


def check_status_map() -> None:
    """Raise ImproperlyConfigured if LEADSYNC_STATUS_BY_STATE has an unknown state or status."""
    statuses = settings.LEADSYNC_STATUS_BY_STATE
    if not isinstance(statuses, dict) or any(
        key not in KEYS or status not in statuses_after(key) for key, status in statuses.items()
    ):
        raise ImproperlyConfigured(
            f"LEADSYNC_STATUS_BY_STATE must be a JSON object that gives some of {', '.join(KEYS)} "
            f"one of {', '.join(FUNNEL)}; {COMPLETED_COLD} may also be {LeadStatus.ARCHIVED}."
        )
