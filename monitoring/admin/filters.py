"""How staff narrow the list of sync failures down."""

from datetime import timedelta

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from contacts.phones import search_range
from monitoring.models import (
    FailureGroup,
    GroupStatus,
    SyncFailure,
    SyncFailureQuerySet,
)


class OpenFilter(DropdownFilter):
    """Open or resolved; open ones unless somebody asks for others."""

    title = _("outcome")
    parameter_name = "outcome"
    all_option = None
    OPEN, RESOLVED, ALL = "open", "resolved", "all"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, object]]:
        return [(self.OPEN, _("Open")), (self.RESOLVED, _("Resolved")), (self.ALL, _("All"))]

    def value(self) -> str:
        asked = super().value()
        return asked if asked in (self.RESOLVED, self.ALL) else self.OPEN

    def queryset(self, request: HttpRequest, queryset: SyncFailureQuerySet) -> SyncFailureQuerySet:
        match self.value():
            case self.ALL:
                return queryset
            case self.RESOLVED:
                return queryset.filter(resolved_at__isnull=False)
        return queryset.open()


class CauseStatusFilter(DropdownFilter):
    """Where a cause stands; what somebody should know of, unless others are asked for."""

    title = _("status")
    parameter_name = "status"
    all_option = None
    CURRENT, ALL = "current", "all"
    TO_KNOW = (GroupStatus.REGRESSED, GroupStatus.OPEN, GroupStatus.ACKNOWLEDGED)

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, object]]:
        return [(self.CURRENT, _("Open")), *GroupStatus.choices[1:], (self.ALL, _("All"))]

    def value(self) -> str:
        asked = super().value()
        return asked if asked in (*GroupStatus.values, self.ALL) else self.CURRENT

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case self.ALL:
                return queryset
            case self.CURRENT:
                return queryset.filter(status__in=self.TO_KNOW)
        return queryset.filter(status=self.value())


class CauseFilter(DropdownFilter):
    """By cause, of those that have failures."""

    title = _("cause")
    parameter_name = "group"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        groups = FailureGroup.objects.filter(failures__isnull=False).distinct().order_by("pk")
        return [(str(group.pk), str(group)) for group in groups]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        asked = self.value() or ""
        return queryset.filter(group=asked) if asked.isdecimal() else queryset


class WorkspaceFilter(DropdownFilter):
    """By the workspace as it stands on the failures, known or not."""

    title = _("workspace")
    parameter_name = "workspace"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        named = SyncFailure.objects.exclude(workspace_ref="").order_by("workspace_ref")
        return [(ref, ref) for ref in named.values_list("workspace_ref", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(workspace_ref=self.value()) if self.value() else queryset


class LastSeenFilter(DropdownFilter):
    title = _("last seen")
    parameter_name = "seen"
    DAYS = {"day": 1, "week": 7, "month": 30}

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, object]]:
        return [
            ("day", _("In the last 24 hours")),
            ("week", _("In the last 7 days")),
            ("month", _("In the last 30 days")),
            ("older", _("Not for 30 days")),
        ]

    def queryset(self, request: HttpRequest, queryset: SyncFailureQuerySet) -> SyncFailureQuerySet:
        now = timezone.now()
        if self.value() == "older":
            return queryset.last_seen_before(now - timedelta(days=self.DAYS["month"]))
        if days := self.DAYS.get(self.value() or ""):
            return queryset.filter(last_seen_at__gte=now - timedelta(days=days))
        return queryset


def matching(failures: QuerySet, typed: str) -> QuerySet:
    """Failures of phones that begin with what was typed, in any spelling, or else whose error or
    workspace has these words. There are never many failures, so this needs no index."""
    typed = typed.replace("\x00", "").strip()
    if not typed:
        return failures
    if bounds := search_range(typed, region=settings.LEADSYNC_DEFAULT_REGION):
        return failures.filter(contact_phone__range=bounds)
    return failures.filter(error__icontains=typed) | failures.filter(workspace_ref__iexact=typed)
