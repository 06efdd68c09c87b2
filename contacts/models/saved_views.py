"""The model of a saved view: a list of leads as somebody has arranged it."""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

MAX_VIEW_NAME = 40
MAX_QUERY = 1000
MAX_VIEWS = 20
"""Of a person."""


class SavedViewQuerySet(models.QuerySet["SavedView"]):
    def usable_by(self, user: Any) -> Self:
        """Those of this person, and those that were shared in a workspace of theirs."""
        if user.is_superuser:
            return self.filter(Q(owner=user) | Q(shared_in__isnull=False))
        return self.filter(Q(owner=user) | Q(shared_in__memberships__user=user)).distinct()


class SavedView(models.Model):
    """Filter, order and columns; what it shows is what its reader may see."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="lead_views", verbose_name=_("owner")
    )
    name = models.CharField(_("name"), max_length=MAX_VIEW_NAME)
    query = models.CharField(max_length=MAX_QUERY, blank=True)
    """The list's address from the question mark on, with the columns."""
    shared_in = models.ForeignKey(
        "contacts.Workspace",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="shared_views",
        verbose_name=_("shared in"),
    )

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        default_permissions = ()
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"],
                name="saved_view_name_is_unique_of_its_owner",
                violation_error_message=_("You have a view of this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name
