"""How staff find conversations."""

from datetime import timedelta

from django.conf import settings
from django.contrib.admin import ModelAdmin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from contacts.models import Contact
from contacts.phones import search_range
from sarah.models import SarahStateQuerySet, SyncReason


class SyncFilter(DropdownFilter):
    title = _("sync")
    parameter_name = "sync"
    IN_SYNC, OUT_OF_SYNC, EXCLUDED = "in", "out", "excluded"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, object]]:
        return [
            (self.IN_SYNC, _("In sync")),
            (self.OUT_OF_SYNC, _("Out of sync")),
            (self.EXCLUDED, SyncReason.EXCLUDED.label),
        ]

    def queryset(self, request: HttpRequest, queryset: SarahStateQuerySet) -> SarahStateQuerySet:
        match self.value():
            case self.IN_SYNC:
                return queryset.synced()
            case self.OUT_OF_SYNC:
                return queryset.out_of_sync()
            case self.EXCLUDED:
                return queryset.excluded()
        return queryset


class ReasonFilter(DropdownFilter):
    """Why a conversation is out of sync; asked together, because the index holds only those."""

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


class ActiveFilter(DropdownFilter):
    title = _("last heard")
    parameter_name = "active"
    DAY = "day"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, object]]:
        return [(self.DAY, _("In the last 24 hours"))]

    def queryset(self, request: HttpRequest, queryset: SarahStateQuerySet) -> SarahStateQuerySet:
        if self.value() == self.DAY:
            return queryset.active_since(timezone.now() - timedelta(hours=24))
        return queryset


def matching(states: QuerySet, typed: str) -> QuerySet:
    """Conversations whose phone begins with what was typed, in any spelling, or else whose lead's
    name contains it. Each of the two uses an index; a search by both at once could not."""
    typed = typed.replace("\x00", "").strip()
    if not typed:
        return states
    if bounds := search_range(typed, region=settings.LEADSYNC_DEFAULT_REGION):
        here = Q(contact_phone__range=bounds)
        # Two arms, because the indexes that begin with the phone are two partial ones.
        return states.filter(
            (here & Q(workspace__isnull=False)) | (here & Q(workspace__isnull=True))
        )
    return states.filter(contact__in=Contact.objects.matching(typed))
