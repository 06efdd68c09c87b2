"""List filters of failures, causes and alerts."""

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from leadsync.admin.filters import Questions, row_id
from leadsync.admin.periods import PeriodFilter
from monitoring.models import FailureGroup, GroupStatus, SyncFailure, SyncFailureQuerySet
from monitoring.models.alerts import AlertQuerySet


class OpenFilter(Questions, DropdownFilter):
    """Open or resolved; open by default."""

    title = _("outcome")
    parameter_name = "outcome"
    all_option = None
    default = "open"
    questions = {
        "open": (_("Open"), SyncFailureQuerySet.open),
        "resolved": (_("Resolved"), lambda failures: failures.filter(resolved_at__isnull=False)),
        "all": (_("All"), lambda failures: failures),
    }


class CauseStatusFilter(DropdownFilter):
    """By status; by default, causes that need attention."""

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
        seen = FailureGroup.objects.visible_to(request.user)
        groups = seen.filter(failures__isnull=False).distinct().order_by("pk")
        return [(str(group.pk), str(group)) for group in groups]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(group=row_id(self.value())) if self.value() else queryset


class WorkspaceFilter(DropdownFilter):
    """By the workspace named on the failures, whether it exists or not."""

    title = _("workspace")
    parameter_name = "workspace"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        seen = SyncFailure.objects.visible_to(request.user)
        named = seen.exclude(workspace_ref="").order_by("workspace_ref")
        return [(ref, ref) for ref in named.values_list("workspace_ref", flat=True).distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(workspace_ref=self.value()) if self.value() else queryset


class LastSeenFilter(PeriodFilter, DropdownFilter):
    title = _("last seen")
    parameter_name = "seen"
    offered = ("24h", "7d", "30d")
    ask = "last_seen_within"


class AlertStatusFilter(Questions, DropdownFilter):
    title = _("status")
    parameter_name = "status"
    questions = {
        "open": (_("Open"), AlertQuerySet.open),
        "recovered": (_("Recovered"), lambda alerts: alerts.filter(recovered_at__isnull=False)),
    }
