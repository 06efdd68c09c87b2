"""The kinds of failure, with advice on each."""

from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_NOTE = 2_000
"""The longest note on a failure or a cause, in characters."""


class Source(models.TextChoices):
    SARAH = "sarah", _("Sarah")
    KAPSO = "kapso", _("Kapso")
    BACKGROUND = "background", _("Background work")


class Kind(models.TextChoices):
    CONTACT_NOT_FOUND = "contact_not_found", _("Lead not found")
    AMBIGUOUS_CONTACT = "ambiguous_contact", _("Lead in several workspaces")
    WORKSPACE_NOT_FOUND = "workspace_not_found", _("Workspace not found")
    SYNC_ERROR = "sync_error", _("Sync error")
    INVALID_PAYLOAD = "invalid_payload", _("Message partly unusable")
    """The message was saved without its unusable fields."""
    REJECTED_PAYLOAD = "rejected_payload", _("Message refused")

    @property
    def advice(self) -> str:
        """What happened and what to do next, for staff."""
        return str(ADVICE[self])


HEALED_BY_SYNC = (
    Kind.CONTACT_NOT_FOUND,
    Kind.AMBIGUOUS_CONTACT,
    Kind.WORKSPACE_NOT_FOUND,
    Kind.SYNC_ERROR,
)
"""A successful sync heals these. The others are about what a bot sent: a person must see them."""

ABOUT_WORKSPACES = (Kind.CONTACT_NOT_FOUND, Kind.WORKSPACE_NOT_FOUND)
"""Each workspace that they are about has a cause of its own."""

ADVICE = {
    Kind.CONTACT_NOT_FOUND: _(
        "Sarah talks to somebody who is no lead yet. Add the lead: what she has learned is in it "
        "at once. If you do not want this lead, resolve the failure."
    ),
    Kind.AMBIGUOUS_CONTACT: _(
        "This phone is a lead in several workspaces, and the bot did not say which one it means. "
        "Let the bot send workspace_id: the conversation then syncs by itself. Or bind the bot's "
        "key to its workspace, then resolve the failure."
    ),
    Kind.WORKSPACE_NOT_FOUND: _(
        "The bot named a workspace that does not exist. Add a workspace with this slug or Kapso "
        "phone number id: the conversation then syncs by itself. Or correct workspace_id in the "
        "bot's workflow, then resolve the failure."
    ),
    Kind.SYNC_ERROR: _(
        "Copying the conversation to the lead failed; the conversation itself is saved. It is "
        "retried by itself where possible. If it keeps failing, show the traceback to your "
        "developer, then use “Retry”."
    ),
    Kind.INVALID_PAYLOAD: _(
        "A message had fields that could not be used; everything else was saved. Look at what "
        "the bot sent, correct the lead by hand if it matters, then resolve the failure."
    ),
    Kind.REJECTED_PAYLOAD: _(
        "A bot's messages were refused, and nothing of them was saved: phone number, JSON or key "
        "are not usable. Correct the bot's workflow or key, then use “Send again”: the newest "
        "messages are kept for 7 days."
    ),
}

CRASH_ADVICE = _(
    "LeadSync itself failed on a bot's message, and nothing of it was saved. Show the traceback to "
    "your developer. Once that is repaired, use “Send again”: the messages are kept for 7 days."
)

BACKGROUND_ADVICE = _(
    "Background work of LeadSync failed; everything else went on. It is retried, and the failure "
    "heals once it works. If it stays open, show the traceback to your developer."
)

KAPSO_ADVICE = {
    Kind.SYNC_ERROR: _(
        "A delivery from Kapso broke; it is kept, and is worked again by itself. If it broke ten "
        "times, show the traceback to your developer, then replay it under “Deliveries from Kapso”."
    ),
    Kind.INVALID_PAYLOAD: _(
        "Kapso sent an event, a number or a kind of message that LeadSync does not know. It is "
        "kept and nothing else was lost. If the number is this workspace's, correct its Kapso "
        "phone number id and replay the deliveries; else tell your developer, then resolve."
    ),
    Kind.REJECTED_PAYLOAD: _(
        "A delivery from Kapso was signed, but is no JSON. It is kept under “Deliveries from "
        "Kapso”: show it to your developer, then resolve."
    ),
}


def advice_on(*, source: str, kind: str, is_crash: bool = False) -> str:
    """What happened and what to do next, for staff."""
    if source == Source.BACKGROUND:
        return str(BACKGROUND_ADVICE)
    if source == Source.KAPSO and kind in KAPSO_ADVICE:
        return str(KAPSO_ADVICE[Kind(kind)])
    if kind == Kind.REJECTED_PAYLOAD and is_crash:
        return str(CRASH_ADVICE)
    return str(ADVICE[Kind(kind)])
