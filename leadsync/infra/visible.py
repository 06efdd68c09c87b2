"""Who may see which rows: a person of staff sees those of the workspaces that they are members of.

Knows no model of ours but by name: it follows a user's `memberships`, and asks each QuerySet how
its rows belong to a workspace.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from django.apps import apps
from django.db import models
from django.db.models import Q

M = TypeVar("M", bound=models.Model)
SEE_UNOWNED = "contacts.see_unowned"
"""The permission to see what belongs to no workspace yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a person may see."""

    is_everything: bool = False
    slugs: Mapping[int, str] = field(default_factory=dict)
    """Of their workspaces, by primary key."""
    has_unowned: bool = False
    """Whether they also see what belongs to no workspace yet."""


def reach_of(user: Any) -> Reach:
    """Return what this person may see: one query, remembered as long as the instance is, which is
    a request."""
    known: Reach | None = user.__dict__.get("_reach")
    if known is None:
        known = user.__dict__["_reach"] = _reach_of(user)
    return known


def forget_reach(user: Any) -> None:
    """Ask the database again: the memberships of this person have just changed."""
    user.__dict__.pop("_reach", None)


def _reach_of(user: Any) -> Reach:
    if not (user.is_active and user.is_authenticated):
        return Reach()
    if user.is_superuser:
        return Reach(is_everything=True)
    slugs = user.memberships.values_list("workspace_id", "workspace__slug")
    return Reach(slugs=dict(slugs), has_unowned=user.has_perm(SEE_UNOWNED))


def refs_within(reach: Reach, path: str) -> Q:
    """Rows that name their workspace by its slug, or by whatever a bot sent instead."""
    mine = Q(**{f"{path}__in": list(reach.slugs.values())})
    if not reach.has_unowned:
        return mine
    known = apps.get_model("contacts.Workspace")._default_manager.values("slug")
    return mine | Q(**{f"{path}__isnull": False}) & ~Q(**{f"{path}__in": known})


class VisibleQuerySet(models.QuerySet[M]):
    """Rows that belong to a workspace, by the lookup `workspace_path`."""

    workspace_path = "workspace"
    unowned = Q(pk__in=[])
    """Those that belong to none yet."""

    def visible_to(self, user: Any) -> Self:
        """Those that this person of staff may see, count and change."""
        reach = reach_of(user)
        return self.all() if reach.is_everything else self.filter(self.within(reach))

    def within(self, reach: Reach) -> Q:
        mine = Q(**{f"{self.workspace_path}__in": list(reach.slugs)})
        return mine | self.unowned if reach.has_unowned else mine


class OfLeadQuerySet(VisibleQuerySet[M]):
    """Rows that belong to a lead."""

    workspace_path = "contact__workspace"


class UnownedQuerySet(VisibleQuerySet[M]):
    """Rows that are about the whole installation."""

    def within(self, reach: Reach) -> Q:
        return Q() if reach.has_unowned else Q(pk__in=[])
