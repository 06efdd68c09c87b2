"""The states of a conversation, and why it is out of sync."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ConversationState(models.TextChoices):
    """The states of a conversation, in their order."""

    GREETING = "greeting", _("Greeting")
    QUALIFYING = "qualifying", _("Qualifying")
    SCORING = "scoring", _("Scoring")
    HANDOFF = "handoff", _("Handoff")
    COMPLETED = "completed", _("Completed")


class SyncReason(models.TextChoices):
    """Why a conversation is out of sync; also the bot's `syncReason`."""

    CONTACT_NOT_FOUND = "contact_not_found", _("Lead not found")
    AMBIGUOUS_CONTACT = "ambiguous_contact", _("Lead in several workspaces")
    WORKSPACE_NOT_FOUND = "workspace_not_found", _("Workspace not found")
    EXCLUDED = "excluded", _("Excluded")
    """The lead opted out or was deleted, or the phone is a test number: nothing is copied, and that
    is no failure."""
    SYNC_ERROR = "sync_error", _("Sync error")


WAITING = (
    SyncReason.CONTACT_NOT_FOUND,
    SyncReason.AMBIGUOUS_CONTACT,
    SyncReason.WORKSPACE_NOT_FOUND,
)
"""Reasons that end as soon as a lead or a workspace is added."""
