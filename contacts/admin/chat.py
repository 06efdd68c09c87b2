"""The chat on a lead's page: what was written on WhatsApp, with Sarah's states in between."""

from dataclasses import dataclass
from datetime import datetime

from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from contacts.identity import addresses_of
from contacts.models import Author, ChatMessage, Contact, DeliveryStatus
from leadsync.admin.html import ago
from sarah.models import ConversationState, StateUpdate

SHOWN_MESSAGES = 100
SHOWN_STATES = 50
TICKS = {
    DeliveryStatus.SENT: "done",
    DeliveryStatus.DELIVERED: "done_all",
    DeliveryStatus.READ: "done_all",
    DeliveryStatus.FAILED: "error",
}
"""The icon of how far a message got."""
MEDIA = {
    "image": ("image", _("Image")),
    "video": ("videocam", _("Video")),
    "audio": ("mic", _("Voice message")),
    "document": ("description", _("Document")),
    "sticker": ("mood", _("Sticker")),
    "location": ("location_on", _("Location")),
    "contacts": ("contact_page", _("Contact card")),
    "reaction": ("add_reaction", _("Reaction")),
    "order": ("shopping_cart", _("Order")),
    "template": ("campaign", _("Template")),
    "unsupported": ("block", _("A message that WhatsApp cannot show here")),
}
"""The icon and the name of what is more than text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A message as the page shows it."""

    at: datetime
    side: str
    who: str
    text: str
    transcript: str = ""
    icon: str = ""
    kind: object = ""
    status: str = ""
    status_icon: str = ""
    status_name: object = ""
    reason: str = ""

    @property
    def when(self) -> str:
        return ago(self.at)


def chat_with(lead: Contact) -> SafeString:
    """Show the newest messages, oldest first; blank if there are none."""
    chat = ChatMessage.objects.of(*addresses_of(lead), workspace_id=lead.workspace_id)
    newest = list(chat.with_status().order_by("-sent_at", "-pk")[: SHOWN_MESSAGES + 1])
    if not newest:
        return SafeString("")
    shown = newest[:SHOWN_MESSAGES]
    entries = [*map(_bubble, shown), *_states_of(lead, since=shown[-1].sent_at)]
    context = {
        "entries": sorted(entries, key=lambda entry: entry.at),
        "has_more": len(newest) > SHOWN_MESSAGES,
        "shown": SHOWN_MESSAGES,
    }
    return render_to_string("leadsync/chat.html", context)


def _bubble(message: ChatMessage) -> Bubble:
    icon, kind = MEDIA.get(message.type, ("", ""))
    status = getattr(message, "status", None) or ""
    return Bubble(
        at=message.sent_at,
        side="theirs" if message.author == Author.LEAD else "ours",
        who=message.get_author_display(),
        text=message.text,
        transcript=message.transcript,
        icon=icon,
        kind=kind,
        status=status,
        status_icon=TICKS[DeliveryStatus(status)] if status else "",
        status_name=DeliveryStatus(status).label if status else "",
        reason=getattr(message, "reason", None) or "",
    )


def _states_of(lead: Contact, *, since: datetime) -> list[Bubble]:
    """When Sarah moved on, as lines between the messages."""
    updates = StateUpdate.objects.filter(
        state__contact=lead, received_at__gte=since, changes__has_key="state"
    ).order_by("-received_at")
    moves = updates.values_list("received_at", "changes__state")[:SHOWN_STATES]
    return [
        Bubble(at=at, side="between", who="", text=_state_name(change[1])) for at, change in moves
    ]


def _state_name(state: str) -> str:
    known = state in ConversationState.values
    return str(ConversationState(state).label) if known else str(state)
