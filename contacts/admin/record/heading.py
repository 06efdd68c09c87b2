"""The head of a lead's page: where it stands, how good it is and why, and what can be done."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.record.reading import Known
from contacts.admin.record.words import exactly, label_of, lasting, name_of, signature
from contacts.models import Contact, Standing
from contacts.workflow import UNDOABLE_FOR, AuthorKind, LeadStatus, moves_from
from leadsync.admin.html import ago
from sarah.facts import BY_KEY
from sarah.models import StateUpdate

WIDTH, HEIGHT = 96, 28
"""Of the curve of the score, in pixels."""
MOVES: dict[str, Any] = {
    LeadStatus.NEW: gettext_lazy("Reopen"),
    LeadStatus.QUALIFIED: gettext_lazy("Qualified"),
    LeadStatus.CONTACTED: gettext_lazy("I have been in touch"),
    LeadStatus.CONVERTED: gettext_lazy("Won"),
}
SENTENCES: dict[str, Any] = {
    Standing.NEW: gettext_lazy("New again: {by} put it back {since} ago."),
    Standing.QUALIFIED: gettext_lazy("Qualified by {by} {since} ago."),
    Standing.CONTACTED: gettext_lazy("In touch with us, the last time {contacted} ago."),
    Standing.CONVERTED: gettext_lazy("Won by {by} {since} ago."),
    Standing.CLOSED: gettext_lazy("Sarah closed it {since} ago. No person has confirmed it."),
    Standing.COLD: gettext_lazy("Sarah closed it {since} ago: not interested."),
    Standing.ARCHIVED: gettext_lazy("Archived by {by} {since} ago{why}."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    sentence: SafeString
    moves: list[tuple[str, object]]
    """The statuses to which a person may move it, but for the archive, and the buttons' texts."""
    may_archive: bool
    may_undo: bool
    curve: str
    """The points of a polyline; blank if the score never changed."""
    why: SafeString


def heading_of(known: Known) -> Heading:
    lead = known.lead
    allowed = moves_from(lead.lead_status, kind=AuthorKind.PERSON)
    moves = [(status.value, MOVES[status]) for status in allowed if status in MOVES]
    match standing_of(lead):
        case Standing.HANDED_OVER:
            moves.insert(0, (lead.lead_status, MOVES[LeadStatus.CONTACTED]))
        case Standing.CLOSED if lead.lead_status == LeadStatus.CONVERTED:
            moves.insert(0, (lead.lead_status, _("Yes, it is won")))
    return Heading(
        sentence=where_it_stands(known),
        moves=moves,
        may_archive=LeadStatus.ARCHIVED in allowed,
        may_undo=_may_undo(known),
        curve=_curve([message.lead_score for message in reversed(known.messages)]),
        why=_why_this_score(known),
    )


def standing_of(lead: Contact) -> str:
    return str(lead.standing)  # type: ignore[attr-defined]


def where_it_stands(known: Known) -> SafeString:
    """Say it in a sentence. “Contacted” is only what a person did."""
    lead = known.lead
    if standing_of(lead) == Standing.HANDED_OVER:
        return _waits(known)
    if lead.status_changed_at is None:
        return format_html(_("Added {} ago."), lasting(lead.created_at))
    return format_html(
        str(SENTENCES[standing_of(lead)]),
        by=signature(lead.status_changed_by),
        since=lasting(lead.status_changed_at),
        contacted=lasting(lead.last_contact_at or lead.status_changed_at),
        why=_because(known),
    )


def _waits(known: Known) -> SafeString:
    lead = known.lead
    since = lasting(lead.handed_over_at or lead.status_changed_at)
    if lead.assigned_to_id == known.viewer.pk:
        told = format_html(_("Waiting for you for {}."), since)
    elif lead.assigned_to:
        told = format_html(_("Waiting for {} for {}."), name_of(lead.assigned_to), since)
    else:
        told = format_html(_("Waiting for somebody for {}: it is nobody's lead yet."), since)
    if lead.answer_by and lead.answered_at is None and lead.answer_by > timezone.now():
        return format_html("{} {}", told, _("Answer by %s.") % exactly(lead.answer_by))
    return told


def _because(known: Known) -> str:
    move = known.last_move
    if move is None or move.to != LeadStatus.ARCHIVED:
        return ""
    said = [text for text in (move.get_archive_reason_display(), move.reason) if text]
    return ": " + " · ".join(map(str, said)) if said else ""


def _may_undo(known: Known) -> bool:
    """Whether the last move is one that this person may still take back."""
    move, lead = known.last_move, known.lead
    return bool(
        move
        and move.by == known.viewer.get_username()
        and move.actor_kind == AuthorKind.PERSON
        and move.before is not None
        and not move.is_undone
        and (move.at, move.to) == (lead.status_changed_at, lead.lead_status)
        and timezone.now() - move.at < UNDOABLE_FOR
    )


def _curve(scores: list[int]) -> str:
    if len(set(scores)) < 2:
        return ""
    step = WIDTH / (len(scores) - 1)
    return " ".join(
        f"{number * step:.0f},{HEIGHT - 2 - score * (HEIGHT - 4) / 100:.0f}"
        for number, score in enumerate(scores)
    )


def _why_this_score(known: Known) -> SafeString:
    if "lead_score" in known.lead.staff_fields:
        edit = known.last_edits.get("lead_score")
        if edit is None:
            return SafeString(_("Set by a person."))
        return format_html(_("Set by {}, {}; it was {}."), edit.by, ago(edit.at), edit.old)
    last = next((one for one in known.messages if "lead_score" in one.changes), None)
    old, new = last.changes["lead_score"] if last else (None, None)
    if last is None or new != known.lead.lead_score:
        return SafeString("")
    turned = _("Up from {}, {}.") if _is_more(new, old) else _("Down from {}, {}.")
    risen = format_html(turned, old, ago(last.received_at))
    heard = _heard_with(last)
    return format_html("{} {}", risen, _("Sarah heard: %s.") % heard) if heard else risen


def _is_more(new: object, old: object) -> bool:
    return isinstance(new, int) and isinstance(old, int) and new > old


def _heard_with(message: StateUpdate) -> str:
    keys = [name.removeprefix("extracted_data.") for name in message.changes if "." in name]
    known = [label_of(key).lower() for key in keys if key in BY_KEY]
    return ", ".join(dict.fromkeys(known))
