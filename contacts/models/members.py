"""The model of a membership: a person of staff who works in a workspace, and sees it."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models.workspaces import Workspace
from leadsync.infra.visible import VisibleQuerySet


def who_may_see(workspace: Workspace) -> models.QuerySet[User]:
    """The people to whom a lead of this workspace can be assigned."""
    members = Membership.objects.filter(workspace=workspace).values("user")
    return _staff().filter(Q(is_superuser=True) | Q(pk__in=members))


def colleagues_of(user: Any) -> models.QuerySet[User]:
    """The people to whom leads that this person sees can be assigned."""
    if user.is_superuser:
        return _staff()
    members = Membership.objects.visible_to(user).values("user")
    return _staff().filter(Q(is_superuser=True) | Q(pk__in=members))


def _staff() -> models.QuerySet[User]:
    return User.objects.filter(is_staff=True, is_active=True)


class Membership(models.Model):
    """That a person belongs to a workspace. Superusers see all workspaces without one."""

    workspace = models.ForeignKey(
        Workspace, models.CASCADE, related_name="memberships", verbose_name=_("workspace")
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.CASCADE,
        related_name="memberships",
        verbose_name=_("person"),
    )
    takes_leads = models.BooleanField(
        _("takes leads"),
        default=True,
        db_default=True,
        help_text=_("Gets leads by turns, as Sarah hands them over."),
    )
    last_given_at = models.DateTimeField(
        _("last given a lead"), null=True, blank=True, editable=False
    )
    """By turns: whose turn is longest ago is next."""
    joined_at = models.DateTimeField(_("member since"), default=timezone.now, editable=False)

    objects = VisibleQuerySet["Membership"].as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        permissions = [("see_unowned", "Can see what belongs to no workspace yet")]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "user"],
                name="membership_is_unique_in_its_workspace",
                violation_error_message=_("This person is a member of the workspace already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.workspace}"
