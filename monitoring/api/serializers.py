"""JSON of sync failures, and of requests to resolve them."""

from typing import Any

from django.db.models import BigIntegerField
from django.utils import translation
from rest_framework import serializers

from contacts.text import clean_text
from leadsync.api.lists import RowSerializer
from monitoring.kinds import MAX_NOTE, Kind, Source, advice_on
from monitoring.models import SyncFailure

MAX_IDS = 1000


class SyncFailureSerializer(RowSerializer):
    """Something that kept a bot's message from reaching its lead."""

    added = ("advice",)

    advice = serializers.CharField(help_text="What happened and what to do next.")
    state: Any = serializers.IntegerField(
        allow_null=True, help_text="The conversation's id; null if there is none or it is deleted."
    )

    class Meta:
        model = SyncFailure
        fields: tuple[str, ...] = (
            "id",
            "source",
            "kind",
            "workspace_ref",
            "contact_phone",
            "state",
            "error",
            "advice",
            "occurrences",
            "created_at",
            "last_seen_at",
            "resolved_at",
            "resolved_by",
            "resolution",
            "note",
            "request_id",
        )

    def to_representation(self, row: Any) -> dict[str, Any]:
        with translation.override("en"):
            is_crash = bool(row.get("traceback"))
            advice = advice_on(source=row["source"], kind=row["kind"], is_crash=is_crash)
            return super().to_representation(row | {"advice": advice})


class SyncFailureDetailSerializer(SyncFailureSerializer):
    """A failure with its message, complete enough to be sent again."""

    payload: Any = serializers.DictField()

    class Meta:
        model = SyncFailure
        fields = (*SyncFailureSerializer.Meta.fields, "fingerprint", "payload", "traceback")


class ResolutionSerializer(serializers.Serializer[Any]):
    """A note on why a failure is resolved."""

    note = serializers.CharField(
        required=False,
        default="",
        allow_blank=True,
        max_length=MAX_NOTE,
    )

    def validate_note(self, note: str) -> str:
        return clean_text(note)


class SelectionSerializer(ResolutionSerializer):
    """Which open failures to resolve: those that match everything that is given, or `all`."""

    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=BigIntegerField.MAX_BIGINT),
        required=False,
        allow_empty=False,
        max_length=MAX_IDS,
    )
    kind = serializers.MultipleChoiceField(choices=Kind.choices, required=False, allow_empty=False)
    source: Any = serializers.MultipleChoiceField(
        choices=Source.choices, required=False, allow_empty=False
    )
    workspace = serializers.CharField(required=False, help_text="The slug, or what the bot sent.")
    phone = serializers.CharField(required=False, help_text="A phone in any spelling.")
    since = serializers.DateTimeField(required=False, help_text="Last seen since this time.")
    before = serializers.DateTimeField(required=False, help_text="Last seen before this time.")
    all = serializers.BooleanField(required=False, help_text="Every open failure.")

    def to_internal_value(self, data: Any) -> Any:
        """Refuse unknown fields: a misspelt filter would resolve more than was meant."""
        unknown = sorted(set(data) - set(self.fields)) if isinstance(data, dict) else []
        if unknown:
            known = ", ".join(self.fields)
            raise serializers.ValidationError(
                dict.fromkeys(unknown, f"There is no such field. Use: {known}.")
            )
        return super().to_internal_value(data)


class ResolvedSerializer(serializers.Serializer[Any]):
    resolved = serializers.IntegerField(help_text="How many open failures were resolved.")


class RetriedSerializer(serializers.Serializer[Any]):
    synced = serializers.BooleanField(
        help_text="Whether the conversation reached its lead; if so, the failure is closed."
    )
