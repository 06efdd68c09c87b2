"""Columns of what a person took over from Sarah: until when she is silent, by whom, and why."""

from datetime import UTC, datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_PAUSE_REASON = 300
UNTIL_HANDED_BACK = datetime(9000, 1, 1, tzinfo=UTC)
"""The end of a pause that has none: a person hands the lead back."""


class Pausable(models.Model):
    """Whether Sarah is to be silent. Leads have it, and their conversations a copy of it, because
    that is what a bot's GET reads; `sarah/takeover.py` writes both."""

    paused_until = models.DateTimeField(_("Sarah is silent until"), null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def is_paused(self) -> bool:
        return self.paused_until is not None and self.paused_until > timezone.now()


class TakenOver(Pausable):
    """A lead that a person may take over from Sarah."""

    paused_by = models.CharField(
        _("taken over by"), max_length=150, blank=True, default="", db_default=""
    )
    pause_reason = models.CharField(
        _("taken over because"), max_length=MAX_PAUSE_REASON, blank=True, default="", db_default=""
    )

    class Meta:
        abstract = True
