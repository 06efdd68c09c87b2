"""The entries of a lead's timeline in words: one function for each kind of row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.record.words import exactly, label_of, signature, told
from contacts.api.timeline import Row
from contacts.models import DeliveryStatus, NoteKind, Outcome
from contacts.workflow import ArchiveReason, AuthorKind, LeadStatus
from leadsync.admin.html import ago
from monitoring.kinds import Kind
from monitoring.models import Resolution
from monitoring.sentences import in_words
from sarah.models import Outcome as SyncOutcome

NO_NEWS = ("message_count", "last_message_at", "told", "contact_phone", "business_scoped_user_id")
SHOWN_CHANGES = 8
TICKS: dict[str, str] = {
    DeliveryStatus.SENT: "done",
    DeliveryStatus.DELIVERED: "done_all",
    DeliveryStatus.READ: "done_all",
    DeliveryStatus.FAILED: "error",
}
"""The icon of how far a message got."""
MEDIA: dict[str, tuple[str, Any]] = {
    "image": ("image", gettext_lazy("Image")),
    "video": ("videocam", gettext_lazy("Video")),
    "audio": ("mic", gettext_lazy("Voice message")),
    "document": ("description", gettext_lazy("Document")),
    "sticker": ("mood", gettext_lazy("Sticker")),
    "location": ("location_on", gettext_lazy("Location")),
    "contacts": ("contact_page", gettext_lazy("Contact card")),
    "reaction": ("add_reaction", gettext_lazy("Reaction")),
    "order": ("shopping_cart", gettext_lazy("Order")),
    "template": ("campaign", gettext_lazy("Template")),
    "unsupported": ("block", gettext_lazy("A message that WhatsApp cannot show here")),
}
"""The icon and the name of what is more than text."""
NOTE_ICONS: dict[str, str] = {
    NoteKind.NOTE: "sticky_note_2",
    NoteKind.CALL: "call",
    NoteKind.CHAT: "chat",
    NoteKind.MEETING: "groups",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    at: datetime
    kind: str
    icon: str
    who: str
    what: str
    """Completes a sentence that begins with who did it."""
    text: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()
    """Label, before, after."""
    more: int = 0
    """How many further changes there are."""
    aside: str = ""
    is_bad: bool = False
    tick: str = ""
    tick_name: object = ""
    link: str = ""
    """The name of the page about it, and its key."""
    key: int = 0

    @property
    def mark(self) -> str:
        """Names the entry on its page."""
        return f"{self.kind}-{self.at.timestamp():.6f}"

    @property
    def when(self) -> str:
        return ago(self.at)


def _note(row: Row) -> Entry:
    kind = NoteKind(row["details"]["kind"])
    by_system = row["author_kind"] == AuthorKind.SYSTEM
    what = {
        NoteKind.NOTE: _("wrote a note"),
        NoteKind.CALL: _("noted a call"),
        NoteKind.CHAT: _("noted a chat"),
        NoteKind.MEETING: _("noted a meeting"),
    }[kind]
    return Entry(
        at=row["at"],
        kind="note",
        icon="info" if by_system else NOTE_ICONS[kind],
        who=signature(row["author"]),
        what="" if by_system else what,
        text=in_words(row["text"]) if by_system else row["text"],
    )


def _status(row: Row) -> Entry:
    details = row["details"]
    before, after = LeadStatus(details["from_status"]).label, LeadStatus(details["to"]).label
    what = _("changed the status from %(before)s to %(after)s")
    if before == after:
        what = _("confirmed: %(after)s")
    archived = ArchiveReason(details["archive_reason"]).label if details["archive_reason"] else ""
    undone = _("undone") if details["is_undone"] else ""
    return Entry(
        at=row["at"],
        kind="status",
        icon="flag",
        who=signature(row["author"]),
        what=what % {"before": before, "after": after},
        aside=" · ".join(str(one) for one in (archived, in_words(row["text"]), undone) if one),
    )


def _message(row: Row) -> Entry:
    details = row["details"]
    changes, outcome = details["changes"], details["outcome"]
    return message_entry(at=row["at"], changes=changes, outcome=outcome, key=row["id"])


def message_entry(*, at: datetime, changes: Mapping[str, Any], outcome: str, key: int) -> Entry:
    """Tell what a message of Sarah's changed."""
    news = tuple(
        (label_of(name), told(name, old), told(name, new))
        for name, (old, new) in changes.items()
        if name not in NO_NEWS and told(name, old) != told(name, new)
    )
    is_synced = outcome in (SyncOutcome.SYNCED, SyncOutcome.EXCLUDED)
    return Entry(
        at=at,
        kind="message",
        icon="smart_toy",
        who="Sarah",
        what=_("heard from the lead") if news else _("heard nothing new"),
        changes=news[:SHOWN_CHANGES],
        more=max(len(news) - SHOWN_CHANGES, 0),
        aside="" if is_synced else str(SyncOutcome(outcome).label),
        is_bad=not is_synced,
        link="admin:sarah_stateupdate_change",
        key=key,
    )


def _chat(row: Row) -> Entry:
    details = row["details"]
    icon, kind = MEDIA.get(details["type"], ("forum", ""))
    status = details["status"] or ""
    who = {"lead": _("Lead"), AuthorKind.BOT: "Sarah", AuthorKind.PERSON: _("Staff")}
    return Entry(
        at=row["at"],
        kind="theirs" if row["author_kind"] == "lead" else "ours",
        icon=icon,
        who=who[row["author_kind"]],
        what=str(kind),
        text=row["text"],
        aside=details["reason"] or "",
        is_bad=bool(details["reason"]),
        tick=TICKS[status] if status else "",
        tick_name=DeliveryStatus(status).label if status else "",
    )


def _follow_up(row: Row) -> Entry:
    details = row["details"]
    due = _("due %s") % exactly(details["due_at"])
    outcome = Outcome(details["outcome"]).label if details["outcome"] else ""
    closed = details["closed_by"] if outcome else ""
    parts = (due, details["assigned_to"], outcome, closed)
    return Entry(
        at=row["at"],
        kind="follow_up",
        icon="event",
        who=signature(row["author"]),
        what=_("planned a next step"),
        text=row["text"],
        aside=" · ".join(str(one) for one in parts if one),
    )


def _edit(row: Row) -> Entry:
    details = row["details"]
    name = details["field"]
    change = (label_of(name), told(name, details["old"]), told(name, details["new"]))
    return Entry(
        at=row["at"],
        kind="edit",
        icon="edit",
        who=signature(row["author"]),
        what=_("changed %s") % label_of(name).lower(),
        changes=(("", *change[1:]),),
    )


def _assignment(row: Row) -> Entry:
    details = row["details"]
    return Entry(
        at=row["at"],
        kind="assignment",
        icon="person",
        who=signature(row["author"]),
        what=_("changed the owner"),
        changes=(("", told("", details["from_name"]), told("", details["to_name"])),),
    )


def _failure(row: Row) -> Entry:
    details = row["details"]
    resolution = details["resolution"]
    return Entry(
        at=row["at"],
        kind="failure",
        icon="sync_problem",
        who=str(Kind(details["kind"]).label),
        what=str(Resolution(resolution).label) if resolution else _("open"),
        is_bad=not resolution,
        link="admin:monitoring_syncfailure_change",
        key=row["id"],
    )


TOLD: dict[str, Callable[[Row], Entry]] = {
    "note": _note,
    "status": _status,
    "message": _message,
    "chat": _chat,
    "follow_up": _follow_up,
    "edit": _edit,
    "assignment": _assignment,
    "failure": _failure,
}
