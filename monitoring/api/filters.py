"""Query parameters of `/api/v1/sync-failures/`."""

from datetime import datetime

import django_filters

from leadsync.api.lists import AskedFilterSet, PhoneFilter, SeveralFilter, TimeFilter
from monitoring.kinds import Kind, Source
from monitoring.models import SyncFailure, SyncFailureQuerySet

STATUSES = {"open": "not resolved yet", "resolved": "healed, or resolved by somebody"}
ORDERINGS = {
    "-last_seen_at": "last seen, newest first",
    "last_seen_at": "last seen, oldest first",
    "-created_at": "first seen, newest first",
    "created_at": "first seen, oldest first",
    "-occurrences": "most frequent first",
    "occurrences": "least frequent first",
}


class SyncFailureFilters(AskedFilterSet):
    status = django_filters.ChoiceFilter(
        choices=list(STATUSES.items()), method="of_status", help_text="Default: both."
    )
    kind = SeveralFilter(
        field_name="kind",
        choices=Kind.choices,
        help_text="One or more kinds: `kind=sync_error,contact_not_found` or repeated.",
    )
    source = SeveralFilter(
        field_name="source", choices=Source.choices, help_text="One or more sources, as for `kind`."
    )
    workspace = django_filters.CharFilter(
        field_name="workspace_ref",
        help_text="The workspace's slug, or what the bot sent if no such workspace exists.",
    )
    phone = PhoneFilter(field_name="contact_phone", help_text="A phone in any spelling.")
    since = TimeFilter(
        field_name="last_seen_at",
        lookup_expr="gte",
        help_text="Last seen since this time, ISO 8601. Write the `+` of an offset as `%2B`.",
    )
    before = TimeFilter(
        field_name="last_seen_at", method="not_seen_since", help_text="Last seen before this time."
    )
    ordering = django_filters.ChoiceFilter(
        choices=list(ORDERINGS.items()), method="in_order", help_text="Default: last seen first."
    )

    class Meta:
        model = SyncFailure
        fields: list[str] = []

    def of_status(
        self, failures: SyncFailureQuerySet, name: str, value: str
    ) -> SyncFailureQuerySet:
        return failures.open() if value == "open" else failures.filter(resolved_at__isnull=False)

    def not_seen_since(
        self, failures: SyncFailureQuerySet, name: str, value: datetime
    ) -> SyncFailureQuerySet:
        return failures.last_seen_before(value)

    def in_order(self, failures: SyncFailureQuerySet, name: str, value: str) -> SyncFailureQuerySet:
        return failures.order_by(value)
