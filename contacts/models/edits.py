"""The model of an edit: what a person changed in a lead, from what, and to what."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.infra.visible import OfLeadQuerySet

NO_FACTS = ("lead_status", "assigned_to", "assigned_to_id", "staff_fields")
"""Status and owner have histories of their own, and what is held follows from the edits."""


class Edit(models.Model):
    """One changed field of a lead. Never edited; what bots change is in their messages."""

    contact = models.ForeignKey("contacts.Contact", models.CASCADE, related_name="edits")
    field = models.CharField(_("field"), max_length=40)
    old = models.JSONField(_("before"), null=True, encoder=DjangoJSONEncoder)
    new = models.JSONField(_("after"), null=True, encoder=DjangoJSONEncoder)
    by = models.CharField(_("by"), max_length=150)
    at = models.DateTimeField(_("at"), default=timezone.now)

    objects = OfLeadQuerySet["Edit"].as_manager()

    class Meta:
        verbose_name = _("edit")
        verbose_name_plural = _("edits")
        ordering = ["-at", "-pk"]
        default_permissions = ()

    def __str__(self) -> str:
        return self.field


def as_told(value: object) -> object:
    """The value as an edit keeps it: a person by the name of the account."""
    return value.get_username() if isinstance(value, AbstractBaseUser) else value


def edits_of(
    before: Mapping[str, object], after: Mapping[str, object], changed: Iterable[str], *, by: str
) -> list[dict[str, Any]]:
    """Return the columns of an edit for each field that changed."""
    at = timezone.now()
    return [
        {"field": name, "old": before[name], "new": as_told(after[name]), "by": by, "at": at}
        for name in changed
        if name not in NO_FACTS
    ]
