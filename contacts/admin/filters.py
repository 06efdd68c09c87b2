"""List filters of leads."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    CheckboxFilter,
    ChoicesCheckboxFilter,
    DropdownFilter,
    RadioFilter,
)

from contacts.admin.desk.tabs import hot
from contacts.models import ContactQuerySet, FollowUp, Standing, Workspace, colleagues_of
from leadsync.admin.filters import Question, Questions, day_start, within

Choices = list[tuple[str, Any]]

MAX_PEOPLE = 200
LOOKED_AT = 1000
"""Leads whose sources are offered."""
REMEMBERED = 60
"""Seconds."""


class HotFilter(CheckboxFilter):
    """Hot by temperature or score, also by what is not synced yet, and neither won nor archived."""

    title = _("hot leads")
    parameter_name = "hot"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        return [("yes", _("Hot, and still to be won"))]

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        return hot(queryset) if "yes" in (self.value() or []) else queryset


class StatusFilter(ChoicesCheckboxFilter):
    """Names all workspaces if none is chosen, because the index by status begins with the
    workspace."""

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        chosen = super().queryset(request, queryset)
        if not self.value():
            return chosen
        return chosen.filter(workspace__in=list(Workspace.objects.values_list("pk", flat=True)))


class StandingFilter(DropdownFilter):
    """The status, told apart by who set it. Names all workspaces, as above."""

    title = _("who set the status")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        return [*Standing.choices]

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        if self.value() not in Standing.values:
            return queryset
        workspaces = list(Workspace.objects.values_list("pk", flat=True))
        return queryset.filter(workspace__in=workspaces).standing(self.value())


class AssignedFilter(DropdownFilter):
    title = _("assignee")
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        people = colleagues_of(request.user).order_by("username")
        return [
            ("me", _("Me")),
            ("nobody", _("Nobody")),
            *(
                (str(user.pk), user.get_full_name() or user.username)
                for user in people[:MAX_PEOPLE]
            ),
        ]

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        match self.value():
            case "me":
                return queryset.filter(assigned_to=request.user.pk)
            case "nobody":
                return queryset.filter(assigned_to__isnull=True)
            case str(pk) if pk.isdecimal() and len(pk) < 19:
                return queryset.filter(assigned_to=int(pk))
        return queryset


def times(since: Callable[[Any, datetime], ContactQuerySet]) -> dict[str, tuple[Any, Question]]:
    """Return the choices of a filter by time (today, or within some days), for the question
    `since`."""
    return {
        "today": (_("Today"), lambda leads: since(leads, day_start())),
        "7d": (_("In the last 7 days"), within(since, days=7)),
        "30d": (_("In the last 30 days"), within(since, days=30)),
    }


def _planned() -> Any:
    return FollowUp.objects.open().values("contact")


def _due(when: datetime) -> Any:
    return FollowUp.objects.due_before(when).values("contact")


class ClockFilter(Questions, RadioFilter):
    title = _("response clock")
    parameter_name = "clock"
    questions = {
        "overdue": (_("Overdue"), ContactQuerySet.overdue),
        "running": (_("Waits for an answer"), ContactQuerySet.waiting),
    }


class StaleFilter(Questions, RadioFilter):
    title = _("patience")
    parameter_name = "stale"
    questions = {"yes": (_("Quiet for too long"), ContactQuerySet.stale)}


class ActiveFilter(Questions, RadioFilter):
    title = _("last activity")
    parameter_name = "active"
    questions = times(ContactQuerySet.active_since)


class AddedFilter(Questions, RadioFilter):
    title = _("date added")
    parameter_name = "added"
    questions = times(ContactQuerySet.added_since)


class MovedFilter(Questions, RadioFilter):
    title = _("status changed")
    parameter_name = "moved"
    questions = times(ContactQuerySet.status_changed_since)


class StepFilter(Questions, RadioFilter):
    title = _("next step")
    parameter_name = "step"
    questions = {
        "due": (_("Due"), lambda leads: leads.filter(pk__in=_due(timezone.now()))),
        "today": (_("Due today"), lambda leads: leads.filter(pk__in=_due(day_start(-1)))),
        "none": (_("None planned"), lambda leads: leads.exclude(pk__in=_planned())),
    }


class SourceFilter(DropdownFilter):
    """Offers the sources of the newest leads: those of all leads would have to be looked for."""

    title = _("source")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        leads = model_admin.get_queryset(request).order_by("-created_at")
        newest = cache.get_or_set(
            f"contacts.sources.{request.user.pk}",
            lambda: set(leads.values_list("source", flat=True)[:LOOKED_AT]),
            REMEMBERED,
        )
        sources = {*(newest or ()), request.GET.get(self.parameter_name, "")}
        return [(source, source) for source in sorted(sources) if source]

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        return queryset.filter(source=self.value()) if self.value() else queryset
