"""Query parameters of `/api/v1/leads/`."""

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.conf import settings
from rest_framework.exceptions import ValidationError

from contacts.models import MAX_SCORE, Contact, ContactQuerySet, Standing, Temperature, Workspace
from contacts.workflow import LeadStatus
from leadsync.api.lists import AskedFilterSet, SeveralFilter, TimeFilter

ORDERINGS = {
    "-last_activity_at": "last activity, newest first",
    "last_activity_at": "last activity, oldest first",
    "-created_at": "added, newest first",
    "created_at": "added, oldest first",
    "-lead_score": "score, highest first",
    "lead_score": "score, lowest first",
}
"""Only indexed columns without nulls: a page costs the same however deep in the list it is."""


class ScoreFilter(django_filters.NumberFilter):
    field_class = forms.IntegerField


class YesNoField(forms.TypedChoiceField):
    """`true` or `false`; django-filter's own field takes anything else for no answer."""

    def __init__(self, **kwargs: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce="true".__eq__, empty_value=None, **kwargs)


class YesNoFilter(django_filters.BooleanFilter):
    field_class = YesNoField


class LeadFilters(AskedFilterSet):
    status = SeveralFilter(
        field_name="lead_status",
        choices=LeadStatus.choices,
        help_text="One or more statuses: `status=new,qualified` or `status=new&status=qualified`.",
    )
    standing = SeveralFilter(
        method="of_standing",
        choices=Standing.choices,
        help_text="One or more of what `standing` says, in the same form as `status`.",
    )
    temperature = SeveralFilter(
        field_name="lead_temperature",
        choices=Temperature.choices,
        help_text="One or more temperatures, in the same form as `status`.",
    )
    score_min = ScoreFilter(
        field_name="lead_score",
        lookup_expr="gte",
        min_value=0,
        max_value=MAX_SCORE,
        help_text="The lowest `lead_score`, 0 to 100.",
    )
    score_max = ScoreFilter(
        field_name="lead_score",
        lookup_expr="lte",
        min_value=0,
        max_value=MAX_SCORE,
        help_text="The highest `lead_score`, 0 to 100.",
    )
    workspace = django_filters.CharFilter(method="of_workspace", help_text="The workspace's slug.")
    assigned_to = django_filters.CharFilter(
        field_name="assigned_to__username", help_text="User name of the person it is assigned to."
    )
    unassigned = YesNoFilter(
        field_name="assigned_to",
        lookup_expr="isnull",
        help_text="`true`: only leads assigned to nobody; `false`: only assigned leads.",
    )
    overdue = YesNoFilter(
        method="of_overdue",
        help_text="`true`: only leads that a person should have answered by now (`answer_by`).",
    )
    stale = YesNoFilter(
        method="of_silence",
        help_text="`true`: only leads that are quiet for too long (`is_stale`).",
    )
    active_since = TimeFilter(
        method="of_activity",
        help_text="Active since this time, ISO 8601. Write the `+` of an offset as `%2B`.",
    )
    search = django_filters.CharFilter(
        method="of_search",
        max_length=200,
        help_text="The beginning of a phone number in any spelling (`0812-3456`, `+62 812 3456`), "
        "or part of a name or business type. `08…` is read in the region of the key's workspace.",
    )
    ordering = django_filters.ChoiceFilter(
        choices=list(ORDERINGS.items()),
        method="in_order",
        help_text="Default: newest activity first. Ordered by activity or score, a lead that "
        "becomes active moves while you page; ordered by `created_at`, each lead appears exactly "
        "once.",
    )

    class Meta:
        model = Contact
        fields: list[str] = []

    def of_workspace(self, leads: ContactQuerySet, name: str, value: str) -> ContactQuerySet:
        """Filter by id: a join on the slug could not use indexes that begin with the workspace."""
        workspace = self.request.auth.workspace or Workspace.objects.filter(slug=value).first()
        if workspace is None:
            raise ValidationError({name: "There is no workspace with this slug."})
        return leads.filter(workspace=workspace)

    def of_standing(self, leads: ContactQuerySet, name: str, value: list[str]) -> ContactQuerySet:
        return leads.standing(*value) if value else leads

    def of_overdue(self, leads: ContactQuerySet, name: str, value: bool) -> ContactQuerySet:
        return leads.overdue() if value else leads

    def of_silence(self, leads: ContactQuerySet, name: str, value: bool) -> ContactQuerySet:
        return leads.stale() if value else leads

    def of_activity(self, leads: ContactQuerySet, name: str, value: datetime) -> ContactQuerySet:
        return leads.active_since(value)

    def of_search(self, leads: ContactQuerySet, name: str, value: str) -> ContactQuerySet:
        workspace = self.request.auth.workspace
        region = workspace.region if workspace else settings.LEADSYNC_DEFAULT_REGION
        return leads.matching(value, region=region)

    def in_order(self, leads: ContactQuerySet, name: str, value: str) -> ContactQuerySet:
        return leads.order_by(value)
