"""Who may see which rows: a person of staff sees those of the workspaces that they are members of.

Knows no model of ours but by name: it follows a user's `memberships`, and asks each QuerySet how
its rows belong to a workspace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

M = TypeVar("M", bound=models.Model)
SEE_UNOWNED = "contacts.see_unowned"
"""The permission to see what belongs to no workspace yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a person may see."""

    slugs: Mapping[int, str] = field(default_factory=dict)
    """Of their workspaces, by primary key."""
    is_in_all: bool = False
    """Whether they are a member of all workspaces."""
    has_unowned: bool = False
    """Whether they also see what belongs to no workspace yet."""

    @property
    def is_everything(self) -> bool:
        return self.is_in_all and self.has_unowned

    @property
    def key(self) -> str:
        """The same for all who see the same: numbers are remembered by it."""
        if self.is_everything:
            return "all"
        seen = f"{sorted(self.slugs)} {self.has_unowned}"
        return sha256(seen.encode()).hexdigest()[:20]


EVERYTHING = Reach(is_in_all=True, has_unowned=True)


def reach_of(user: Any) -> Reach:
    """Return what this person may see: one query, remembered as long as the instance is, which is
    a request."""
    known: Reach | None = getattr(user, "_reach", None)
    if known is None:
        known = user._reach = _reach_of(user)
    return known


def _reach_of(user: Any) -> Reach:
    if not (user.is_active and user.is_authenticated):
        return Reach()
    if user.is_superuser:
        return EVERYTHING
    workspaces = apps.get_model("contacts.Workspace")._default_manager
    mine = Exists(user.memberships.filter(workspace=OuterRef("pk")))
    rows = list(workspaces.annotate(mine=mine).values_list("pk", "slug", "mine"))
    slugs = {pk: slug for pk, slug, is_mine in rows if is_mine}
    is_in_all = 0 < len(slugs) == len(rows)
    return Reach(slugs=slugs, is_in_all=is_in_all, has_unowned=user.has_perm(SEE_UNOWNED))


def failures_within(reach: Reach, prefix: str = "") -> Q:
    """Failures of the workspaces of this person, or what belongs to those failures: they name
    their workspace by its slug, or by whatever a bot sent instead."""
    ref, home = f"{prefix}workspace_ref", f"{prefix}state__workspace"
    mine = Q(**{f"{ref}__in": list(reach.slugs.values())})
    if not reach.has_unowned:
        return mine
    known = apps.get_model("contacts.Workspace")._default_manager.values("slug")
    has_no_home = Q(**{f"{home}__isnull": True}) | Q(**{f"{home}__in": list(reach.slugs)})
    return mine | Q(**{f"{ref}__isnull": False}) & ~Q(**{f"{ref}__in": known}) & has_no_home


class VisibleQuerySet(models.QuerySet[M]):
    """Rows that belong to a workspace, by the lookup `workspace_path`."""

    workspace_path = "workspace"
    unowned = Q(pk__in=[])
    """Those that belong to none yet."""
    is_always_owned = False
    """Whether all of them belong to one. Then a member of all workspaces sees all, without a
    condition that would keep an index from being used."""

    def visible_to(self, user: Any) -> Self:
        """Those that this person of staff may see, count and change."""
        reach = reach_of(user)
        sees_all = reach.is_in_all and (self.is_always_owned or reach.has_unowned)
        return self.all() if sees_all else self.filter(self.within(reach))

    def within(self, reach: Reach) -> Q:
        """Those of a person who does not see everything."""
        mine = Q(**{f"{self.workspace_path}__in": list(reach.slugs)})
        return mine | self.unowned if reach.has_unowned else mine


class OfLeadQuerySet(VisibleQuerySet[M]):
    """Rows that belong to a lead."""

    workspace_path = "contact__workspace"
    is_always_owned = True


class UnownedQuerySet(VisibleQuerySet[M]):
    """Rows that are about the whole installation."""

    def within(self, reach: Reach) -> Q:
        return Q() if reach.has_unowned else Q(pk__in=[])
