"""What all list filters share, and the filters of keys and accounts."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter, RelatedDropdownFilter

from contacts.models import Workspace
from contacts.phones import search_range
from leadsync.models import ApiKeyQuerySet

Question = Callable[[Any], QuerySet]
"""What a choice asks of the rows: a QuerySet's method, or a function of a QuerySet."""


class Questions(SimpleListFilter):
    """A filter given as a table: the value of each choice, its label, and what it asks of the rows.

    The `default` choice is used if the person chooses none.
    """

    parameter_name: str
    questions: Mapping[str, tuple[Any, Question]]
    default: str | None = None

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        return [(value, label) for value, (label, _question) in self.questions.items()]

    def value(self) -> str | None:
        asked = super().value()
        return self.default if self.default and asked not in self.questions else asked

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in self.questions:
            return queryset
        _label, question = self.questions[str(self.value())]
        return question(queryset)


class WorkspaceFilter(RelatedDropdownFilter):
    """By workspace, of those that the person sees."""

    def field_choices(self, field: Any, request: HttpRequest, page: Any) -> list[tuple[int, str]]:
        seen = Workspace.objects.visible_to(request.user).order_by("name", "pk")
        return [(one.pk, str(one)) for one in seen]


def row_id(asked: str | None) -> int:
    """Return the primary key in a filter's address; 0, which no row has, if it is none."""
    return int(asked) if asked and re.fullmatch(r"[0-9]{1,18}", asked) else 0


def within(since: Callable[[Any, datetime], QuerySet], **age: int) -> Question:
    """Return the question `since` about a time that long ago, such as `hours=24`."""
    return lambda rows: since(rows, timezone.now() - timedelta(**age))


def day_start(days_ago: int = 0) -> datetime:
    """Return midnight in TIME_ZONE, today or some days ago."""
    day = timezone.localdate() - timedelta(days=days_ago)
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


class PhoneSearch:
    """Searches by the beginning of a phone in any spelling, or else by words.

    The admin shows the search box only if the list also has `search_fields`.
    """

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        typed = search_term.replace("\x00", "").strip()
        if not typed:
            return queryset, False
        if bounds := search_range(typed, region=settings.LEADSYNC_DEFAULT_REGION):
            return self.with_phone(request, queryset, bounds), False
        return self.with_words(request, queryset, typed), False

    def with_phone(self, request: HttpRequest, rows: QuerySet, bounds: tuple[str, str]) -> QuerySet:
        """Return rows whose phone lies within these bounds (`contacts.phones.search_range`)."""
        return rows.filter(contact_phone__range=bounds)

    def with_words(self, request: HttpRequest, rows: QuerySet, words: str) -> QuerySet:
        """Return rows that contain these words."""
        raise NotImplementedError


def _valid(keys: ApiKeyQuerySet) -> ApiKeyQuerySet:
    return keys.valid().filter(user__is_active=True)


class KeyStateFilter(Questions, DropdownFilter):
    title = _("status")
    parameter_name = "state"
    questions = {
        "valid": (_("Valid"), _valid),
        "refused": (
            _("Revoked, expired or switched off"),
            lambda keys: keys.exclude(pk__in=_valid(keys).values("pk")),
        ),
    }


class AccountFilter(Questions, DropdownFilter):
    title = _("account")
    parameter_name = "account"
    questions = {
        "superuser": (_("Superusers"), lambda users: users.filter(is_superuser=True)),
        "staff": (_("Staff"), lambda users: users.filter(is_staff=True)),
        "bot": (
            _("Bots"),
            lambda users: users.filter(is_staff=False, api_keys__isnull=False).distinct(),
        ),
    }
