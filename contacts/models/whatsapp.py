"""Columns of what WhatsApp itself tells of a person: names, and whether they want marketing."""

from django.db import models
from django.utils.translation import gettext_lazy as _

MAX_USERNAME = 100


class ToldByWhatsApp(models.Model):
    """What Kapso's deliveries write to a lead."""

    whatsapp_name = models.CharField(_("WhatsApp name"), max_length=200, blank=True)
    whatsapp_username = models.CharField(
        _("WhatsApp user name"), max_length=MAX_USERNAME, blank=True, default="", db_default=""
    )
    profile_seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When WhatsApp last told the two names: what is older changes them no more."""
    marketing_stopped_at = models.DateTimeField(
        _("wants no marketing since"), null=True, blank=True
    )
    marketing_told_at = models.DateTimeField(null=True, blank=True, editable=False)
    marketing_sequence = models.BigIntegerField(null=True, blank=True, editable=False)
    """The order of what the person told WhatsApp about marketing: only the last counts."""

    class Meta:
        abstract = True
