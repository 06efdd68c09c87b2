"""The statuses of a lead, their order, who changes them, and which changes a bot may make."""

from datetime import datetime

from django.db import models
from django.db.models import Case, Value, When
from django.utils.translation import gettext_lazy as _

SARAH = "sarah-bot"
"""How the sync signs. Former releases recorded no kind of author: all other names are people's."""


class AuthorKind(models.TextChoices):
    PERSON = "person", _("Person")
    BOT = "bot", _("Bot")
    SYSTEM = "system", _("LeadSync")


class LeadStatus(models.TextChoices):
    NEW = "new", _("New")
    QUALIFIED = "qualified", _("Qualified")
    CONTACTED = "contacted", _("Contacted")
    CONVERTED = "converted", _("Converted")
    ARCHIVED = "archived", _("Archived")
    """Put aside: only a person moves a lead back."""


FUNNEL = (LeadStatus.NEW, LeadStatus.QUALIFIED, LeadStatus.CONTACTED, LeadStatus.CONVERTED)
STAGE = Case(
    *[When(lead_status=status, then=Value(stage)) for stage, status in enumerate(LeadStatus)],
    output_field=models.SmallIntegerField(),
)
"""The place of a lead's status in their order; an index answers it."""


def stamps_of_move(to: str, *, by: str, kind: str, at: datetime) -> dict[str, object]:
    """Return what a lead keeps of a change of its status, by column.

    A person who moves a lead to contacted has reached out to it; a bot only hands it over.
    """
    stamps: dict[str, object] = {"status_changed_at": at, "status_changed_by": by}
    if kind == AuthorKind.PERSON:
        stamps["moved_by_person_at"] = at
        if to == LeadStatus.CONTACTED:
            stamps["last_contact_at"] = at
    return stamps


def is_forward(current: str, proposed: str) -> bool:
    """Return whether a bot may move a lead from `current` to `proposed`: only forward, or to the
    archive if it is not converted.

    An archived lead stays in the archive (CONTRACT 3).
    """
    if proposed == LeadStatus.ARCHIVED:
        return current in FUNNEL[:-1]
    if current not in FUNNEL or proposed not in FUNNEL:
        return False
    return FUNNEL.index(proposed) > FUNNEL.index(current)
