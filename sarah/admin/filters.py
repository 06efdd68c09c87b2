"""List filters of conversations and messages."""

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from leadsync.admin.filters import Questions, row_id
from leadsync.admin.periods import PeriodFilter
from leadsync.models import ApiKey
from sarah.models import SarahStateQuerySet, SyncReason


class SyncFilter(Questions, DropdownFilter):
    title = _("sync")
    parameter_name = "sync"
    questions = {
        "in": (_("In sync"), SarahStateQuerySet.synced),
        "out": (_("Out of sync"), SarahStateQuerySet.out_of_sync),
        "behind": (_("Waiting to be synced"), SarahStateQuerySet.behind),
        "given-up": (_("Given up by a person"), SarahStateQuerySet.given_up),
        "strangers": (_("No leads yet"), SarahStateQuerySet.strangers),
        "strangers-nowhere": (
            _("No leads yet, and in no workspace"),
            lambda states: states.strangers().filter(workspace__isnull=True),
        ),
        "excluded": (SyncReason.EXCLUDED.label, SarahStateQuerySet.excluded),
    }


class ReasonFilter(DropdownFilter):
    """By why a conversation is out of sync. Reasons are asked together, because the index holds
    only those."""

    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, object]]:
        return list(SyncReason.choices)

    def queryset(self, request: HttpRequest, queryset: SarahStateQuerySet) -> SarahStateQuerySet:
        match self.value():
            case None | "":
                return queryset
            case SyncReason.EXCLUDED:
                return queryset.excluded()
        return queryset.out_of_sync().filter(sync_reason=self.value())


class ActiveFilter(PeriodFilter, DropdownFilter):
    title = _("last heard")
    parameter_name = "active"
    offered = ("24h", "7d", "30d")
    ask = "active_since"


class ReceivedFilter(PeriodFilter, DropdownFilter):
    title = _("received")
    parameter_name = "received"
    offered = ("1h", "24h", "7d")
    ask = "received_since"


class KeyFilter(DropdownFilter):
    """By the key a message came with: what did a leaked key change?"""

    title = _("API key")
    parameter_name = "key"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[int, str]]:
        seen = ApiKey.objects.visible_to(request.user)
        keys = seen.select_related("user").order_by("-created_at")[:100]
        return [(key.pk, str(key)) for key in keys]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(key_id=row_id(self.value())) if self.value() else queryset
