"""How staff narrow keys and accounts down."""

from django.contrib.admin import ModelAdmin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from leadsync.models import ApiKeyQuerySet


class KeyStateFilter(DropdownFilter):
    title = _("status")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, object]]:
        return [("valid", _("Valid")), ("refused", _("Revoked, expired or switched off"))]

    def queryset(self, request: HttpRequest, queryset: ApiKeyQuerySet) -> ApiKeyQuerySet:
        valid = queryset.valid().filter(user__is_active=True)
        match self.value():
            case "valid":
                return valid
            case "refused":
                return queryset.exclude(pk__in=valid.values("pk"))
        return queryset


class AccountFilter(DropdownFilter):
    title = _("account")
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, object]]:
        return [("superuser", _("Superusers")), ("staff", _("Staff")), ("bot", _("Bots"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        match self.value():
            case "superuser":
                return queryset.filter(is_superuser=True)
            case "staff":
                return queryset.filter(is_staff=True)
            case "bot":
                return queryset.filter(is_staff=False, api_keys__isnull=False).distinct()
        return queryset
