"""The statuses of a lead, their order, and which changes a bot may make."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class LeadStatus(models.TextChoices):
    NEW = "new", _("New")
    QUALIFIED = "qualified", _("Qualified")
    CONTACTED = "contacted", _("Contacted")
    CONVERTED = "converted", _("Converted")
    ARCHIVED = "archived", _("Archived")
    """Put aside: only a person moves a lead here or back."""


FUNNEL = (LeadStatus.NEW, LeadStatus.QUALIFIED, LeadStatus.CONTACTED, LeadStatus.CONVERTED)


def is_forward(current: str, proposed: str) -> bool:
    """Return whether a bot may move a lead from `current` to `proposed`: only forward.

    An archived lead stays where a person put it (CONTRACT 3).
    """
    if current not in FUNNEL or proposed not in FUNNEL:
        return False
    return FUNNEL.index(proposed) > FUNNEL.index(current)
