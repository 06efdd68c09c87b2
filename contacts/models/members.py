"""The model of a membership: a person of staff who works in a workspace, and sees it."""

from dataclasses import dataclass, replace
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Count, F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models.standing import ENDS
from contacts.models.workspaces import Workspace
from leadsync.infra.visible import VisibleQuerySet

MINE = Q(user__leads__workspace=F("workspace")) & ~Q(user__leads__lead_status__in=ENDS)
LATE = MINE & Q(user__leads__answered_at__isnull=True, user__leads__answer_by__lt=Now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a person has to do: leads that are neither won nor archived."""

    person: User
    open: int = 0
    overdue: int = 0
    takes_leads: bool = False


class MembershipQuerySet(VisibleQuerySet["Membership"]):
    def at_work(self) -> Self:
        """Those who may be given leads."""
        return self.filter(user__is_active=True, user__is_staff=True)

    def with_load(self) -> Any:
        """Give each its `open_leads` and, of them, its `overdue_leads`: one statement."""
        return self.annotate(
            open_leads=Count("user__leads", filter=MINE),
            overdue_leads=Count("user__leads", filter=LATE),
        )

    def people(self) -> list[Load]:
        """Return each person at work once, who has the least to do first."""
        loads: dict[int, Load] = {}
        for one in self.at_work().with_load().select_related("user"):
            known = loads.get(one.user_id) or Load(person=one.user)
            loads[one.user_id] = replace(
                known,
                open=known.open + one.open_leads,
                overdue=known.overdue + one.overdue_leads,
                takes_leads=known.takes_leads or one.takes_leads,
            )
        return sorted(loads.values(), key=lambda load: (load.open, load.person.get_username()))

    def take_turn(self, workspace: Workspace) -> "Membership | None":
        """Return whose turn it is to get a lead, and put them last; None if nobody takes any.

        Of two handoffs at once, the later waits until the other is committed, and then finds
        another person first.
        """
        there = self.at_work().filter(workspace=workspace, takes_leads=True)
        longest_ago = there.order_by(F("last_given_at").asc(nulls_first=True), "pk")
        while first := longest_ago.select_related("user").first():
            same = self.filter(pk=first.pk, last_given_at=first.last_given_at)
            if same.update(last_given_at=timezone.now()):
                return first
        return None


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

    objects = MembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        permissions = [
            ("see_unowned", "Can see what belongs to no workspace yet"),
            ("invite_member", "Can invite colleagues and decide who is a member"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "user"],
                name="membership_is_unique_in_its_workspace",
                violation_error_message=_("This person is a member of the workspace already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} · {self.workspace}"
