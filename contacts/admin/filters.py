"""How staff find leads."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    CheckboxFilter,
    ChoicesCheckboxFilter,
    DropdownFilter,
    RadioFilter,
)

from contacts.models import ContactQuerySet, Workspace

Choices = list[tuple[str, Any]]

MAX_PEOPLE = 200


class HotFilter(CheckboxFilter):
    """`Contact.objects.hot()`: hot by temperature or by score, and still to be won."""

    title = _("hot leads")
    parameter_name = "hot"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        return [("yes", _("Hot, and still to be won"))]

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        return queryset.hot() if "yes" in (self.value() or []) else queryset


class StatusFilter(ChoicesCheckboxFilter):
    """Names all workspaces where none is chosen: the index by status begins with the workspace."""

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        chosen = super().queryset(request, queryset)
        if not self.value():
            return chosen
        return chosen.filter(workspace__in=list(Workspace.objects.values_list("pk", flat=True)))


class AssignedFilter(DropdownFilter):
    title = _("assignee")
    parameter_name = "assigned"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        people = User.objects.filter(is_staff=True, is_active=True).order_by("username")
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


class SinceFilter(RadioFilter):
    """A time that lies today or within some days."""

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Choices:
        return [
            ("today", _("Today")),
            ("7d", _("In the last 7 days")),
            ("30d", _("In the last 30 days")),
        ]

    def since(self) -> datetime | None:
        now = timezone.localtime()
        match self.value():
            case "today":
                return now.replace(hour=0, minute=0, second=0, microsecond=0)
            case "7d":
                return now - timedelta(days=7)
            case "30d":
                return now - timedelta(days=30)
        return None


class ActiveFilter(SinceFilter):
    title = _("last activity")
    parameter_name = "active"

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        return queryset.active_since(since) if (since := self.since()) else queryset


class AddedFilter(SinceFilter):
    title = _("date added")
    parameter_name = "added"

    def queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> ContactQuerySet:
        return queryset.added_since(since) if (since := self.since()) else queryset
