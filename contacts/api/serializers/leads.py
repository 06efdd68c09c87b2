"""JSON of leads, their history and their chat."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from contacts.models import ChatMessage, Contact, DeliveryStatus, Note, Standing, StatusChange
from contacts.models.hours import PATIENCE_COLUMNS
from leadsync.api.lists import RowSerializer

IN_LIST = (
    "id",
    "workspace",
    "phone",
    "business_scoped_user_id",
    "name",
    "whatsapp_name",
    "whatsapp_username",
    "email",
    "language",
    "lead_status",
    "lead_score",
    "lead_temperature",
    "status_changed_at",
    "status_changed_by",
    "standing",
    "is_stale",
    "assigned_to",
    "business_type",
    "team_size",
    "pain_points",
    "location",
    "priority",
    "urgency_level",
    "source",
    "tags",
    "opted_out",
    "marketing_stopped_at",
    "re_engaged_at",
    "paused_until",
    "handed_over_at",
    "answer_by",
    "answered_at",
    "answered_by",
    "last_activity_at",
    "last_contact_at",
    "created_at",
    "updated_at",
)
ONLY_IN_DETAIL = (
    "goals",
    "business_duration",
    "story",
    "interest_motivation",
    "closing_technique",
    "objection",
    "staff_fields",
)
HISTORY = ("status_changes", "notes")
PATIENCE_OF_ROW = {status: f"workspace__{name}" for status, name in PATIENCE_COLUMNS.items()}


class LeadSerializer(RowSerializer):
    """A lead, without its long texts."""

    related = {"workspace": "workspace__slug", "assigned_to": "assigned_to__username"}
    added: tuple[str, ...] = ("is_stale",)

    workspace: Any = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, help_text="The workspace's slug."
    )
    assigned_to: Any = serializers.SlugRelatedField(
        slug_field="username",
        read_only=True,
        allow_null=True,
        help_text="User name; null if assigned to nobody.",
    )
    standing: Any = serializers.ChoiceField(
        choices=Standing.choices,
        help_text="`lead_status`, told apart by who set it: a lead is `handed_over` until a person "
        "contacts it, then `contacted`; `converted` by a person, or `closed_by_sarah` "
        "(`closed_cold`: not interested).",
    )
    pain_points: Any = serializers.ListField(child=serializers.CharField())
    tags: Any = serializers.ListField(child=serializers.CharField())

    answer_by: Any = serializers.DateTimeField(
        allow_null=True,
        help_text="By when a person should answer a lead that was handed over hot or warm.",
    )

    is_stale: Any = serializers.BooleanField(
        help_text="Quiet for longer than its workspace allows in its status."
    )

    class Meta:
        model = Contact
        fields: tuple[str, ...] = IN_LIST

    @classmethod
    def columns(cls) -> list[str]:
        return [*super().columns(), *PATIENCE_OF_ROW.values()]

    def to_representation(self, row: Any) -> dict[str, Any]:
        column = PATIENCE_OF_ROW.get(row["lead_status"])
        quiet_for = timezone.now() - row["last_activity_at"]
        row["is_stale"] = column is not None and quiet_for > timedelta(hours=row[column])
        return super().to_representation(row)


class StatusChangeSerializer(RowSerializer):
    """One change of a lead's status."""

    from_status = serializers.CharField(help_text="A `lead_status`.")
    to = serializers.CharField(help_text="A `lead_status`.")

    class Meta:
        model = StatusChange
        fields = ("from_status", "to", "by", "actor_kind", "archive_reason", "reason", "at")


class NoteSerializer(RowSerializer):
    """A note on a lead by a person, a bot or LeadSync."""

    class Meta:
        model = Note
        fields = ("id", "kind", "text", "author", "author_kind", "created_at")


class LeadDetailSerializer(LeadSerializer):
    """A lead with all its fields, newest status changes and newest notes."""

    added = ("is_stale", *HISTORY)

    staff_fields: Any = serializers.ListField(
        child=serializers.CharField(),
        help_text="Fields that a person edited and the bot does not overwrite.",
    )
    status_changes = StatusChangeSerializer(many=True, help_text="The newest 50, newest first.")
    notes = NoteSerializer(many=True, help_text="The newest 50, newest first.")

    class Meta:
        model = Contact
        fields = (*IN_LIST, *ONLY_IN_DETAIL, *HISTORY)


class ChatMessageSerializer(RowSerializer):
    """A WhatsApp message, by the lead, by the bot or by staff. Media are their type, caption and
    transcript."""

    status: Any = serializers.ChoiceField(
        DeliveryStatus.choices,
        allow_null=True,
        help_text="How far a message of ours got; null if that is unknown, or it is the lead's.",
    )
    reason: Any = serializers.CharField(allow_null=True, help_text="Why it failed.")
    type: Any = serializers.CharField(help_text="As WhatsApp names it: `text`, `image`, `audio` …")

    class Meta:
        model = ChatMessage
        fields = ("id", "author", "type", "text", "transcript", "sent_at", "status", "reason")
