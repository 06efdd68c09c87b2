"""Columns of who is told by webhook: where, signed with what, and a header of theirs."""

import secrets
from urllib.parse import urlsplit

from django.db import models
from django.utils.translation import gettext_lazy as _

from monitoring.webhooks import validate_header, validate_webhook

MAX_HEADER_VALUE = 500


class Webhook(models.Model):
    webhook_url = models.CharField(
        _("webhook"), max_length=500, blank=True, validators=[validate_webhook]
    )
    webhook_secret = models.CharField(
        _("signing secret"), max_length=64, default=secrets.token_hex, editable=False
    )
    webhook_header = models.CharField(
        _("header of the webhook"),
        max_length=100,
        blank=True,
        default="",
        db_default="",
        validators=[validate_header],
        help_text=_("Where the receiver wants one, such as X-API-Key for Kapso."),
    )
    webhook_header_value = models.CharField(
        max_length=MAX_HEADER_VALUE, blank=True, default="", db_default="", editable=False
    )

    class Meta:
        abstract = True

    @property
    def webhook_host(self) -> str:
        """The part of the webhook's URL that is no secret."""
        return urlsplit(self.webhook_url).hostname or "" if self.webhook_url else ""
