"""Whose numbers the home page counts: of which workspaces, and of how many days."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property

from contacts.models import Contact, ContactQuerySet, Workspace
from leadsync.admin.filters import day_start, row_id
from leadsync.infra.db import CAP, capped_count
from leadsync.infra.visible import reach_of
from sarah.models import SarahState

PERIODS = (7, 30, 90)
DAYS = 30
MAX_WORKSPACES = 50
REMEMBERED_SECONDS = 30
"""How long the numbers of over CAP leads are remembered; up to CAP they are counted each time."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Scope:
    user: Any
    workspaces: tuple[Workspace, ...]
    """All that this person may see."""
    workspace: Workspace | None
    """The one that they chose."""
    days: int

    @property
    def since(self) -> datetime:
        return day_start(self.days - 1)

    @property
    def first_day(self) -> date:
        return timezone.localtime(self.since).date()

    @property
    def key(self) -> str:
        """The same for all who see the same rows."""
        return f"{reach_of(self.user).key}.{self.workspace.pk if self.workspace else 'all'}"

    @property
    def filters(self) -> dict[str, object]:
        """What a link adds to the address of a list of leads."""
        return {"workspace__id__exact": self.workspace.pk} if self.workspace else {}

    @cached_property
    def is_large(self) -> bool:
        """Whether counting takes long."""
        return capped_count(self.leads()) > CAP

    def leads(self) -> ContactQuerySet:
        return self.within(Contact.objects.visible_to(self.user))

    def conversations(self) -> Any:
        return self.within(SarahState.objects.visible_to(self.user))

    def within(self, rows: Any, path: str = "workspace") -> Any:
        """Those of these rows that belong to the chosen workspace."""
        return rows.filter(**{path: self.workspace}) if self.workspace else rows

    def remembered(self, name: str, count: Callable[[], T]) -> T:
        """Count, or remember for all who see the same; few leads are counted each time."""
        if not self.is_large:
            return count()
        key = f"leadsync.home.{name}.{self.key}.{self.days}"
        found: T | None = cache.get_or_set(key, count, REMEMBERED_SECONDS)
        return count() if found is None else found


def scope_of(request: HttpRequest) -> Scope:
    """Read the switches in the page's address; what is unknown there changes nothing."""
    mine = tuple(Workspace.objects.visible_to(request.user).order_by("name")[:MAX_WORKSPACES])
    chosen = row_id(request.GET.get("workspace"))
    days = row_id(request.GET.get("days"))
    return Scope(
        user=request.user,
        workspaces=mine,
        workspace=next((one for one in mine if one.pk == chosen), None),
        days=days if days in PERIODS else DAYS,
    )
