"""List filters of leads."""

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
from contacts.models import ContactQuerySet, FollowUp, Milestone, Standing, Workspace, colleagues_of
from leadsync.admin.filters import Questions, day_start
from leadsync.admin.periods import PeriodFilter

Choices = list[tuple[str, Any]]

MAX_PEOPLE = 200
LOOKED_AT = 1000
"""Leads whose sources are offered."""
REMEMBERED = 60
"""Seconds."""
NO_SOURCE = "-"


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
    title = _("owner")
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
        "in-time": (_("Answered in time"), ContactQuerySet.in_time),
        "late": (_("Answered too late, or not yet"), ContactQuerySet.late),
    }


class StaleFilter(Questions, RadioFilter):
    title = _("patience")
    parameter_name = "stale"
    questions = {"yes": (_("Quiet for too long"), ContactQuerySet.stale)}


class ActiveFilter(PeriodFilter, RadioFilter):
    title = _("last activity")
    parameter_name = "active"
    ask = "active_since"


class AddedFilter(PeriodFilter, RadioFilter):
    title = _("date added")
    parameter_name = "added"
    ask = "added_since"


class MovedFilter(PeriodFilter, RadioFilter):
    title = _("status changed")
    parameter_name = "moved"
    ask = "status_changed_since"


class HandedOverFilter(PeriodFilter, RadioFilter):
    title = _("handed over")
    parameter_name = "handed"
    ask = "handed_over_within"


class WonFilter(PeriodFilter, RadioFilter):
    title = _("won")
    parameter_name = "won"
    ask = "won_within"


class ReachedFilter(DropdownFilter):
    """By how far leads came, also those that stand elsewhere now."""

    title = _("came as far as")
    parameter_name = "reached"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        return [*Milestone.choices[1:]]

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        milestone = self.value()
        return queryset.reached(milestone) if milestone in Milestone.values else queryset


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
        named = [(source, source) for source in sorted(sources) if source not in ("", NO_SOURCE)]
        return [*named, (NO_SOURCE, _("Unknown"))]

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        source = "" if self.value() == NO_SOURCE else self.value()
        return queryset.filter(source=source) if self.value() else queryset
