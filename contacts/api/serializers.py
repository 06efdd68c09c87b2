"""JSON of leads."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from contacts.models import (
    ChatMessage,
    Contact,
    DeliveryStatus,
    Language,
    Note,
    Standing,
    StatusChange,
)
from contacts.models.history import MAX_NOTE
from contacts.models.hours import PATIENCE_COLUMNS
from contacts.text import clean_line, clean_text
from contacts.workflow import MAX_REASON, ArchiveReason, AuthorKind, LeadStatus
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


class MoveSerializer(serializers.Serializer[Any]):
    """Where a lead shall move, and why."""

    status = serializers.ChoiceField(LeadStatus.choices)
    archive_reason = serializers.ChoiceField(
        ArchiveReason.choices, default="", help_text="Why it is archived: required then."
    )
    reason = serializers.CharField(
        max_length=MAX_REASON,
        default="",
        allow_blank=True,
        help_text="In words; required beside the archive reason `other`.",
    )
    as_of = serializers.DateTimeField(
        required=False,
        help_text="When you read the lead. If a person has moved it since, nothing changes (409).",
    )

    def validate_reason(self, value: str) -> str:
        return clean_line(value)


class MovedLeadSerializer(RowSerializer):
    """Where the lead is now."""

    changed = serializers.BooleanField(help_text="`false`: it had this status already.")

    class Meta:
        model = Contact
        fields = ("id", "lead_status", "status_changed_at", "status_changed_by", "changed")

    @classmethod
    def told(cls, lead: Contact, *, changed: bool) -> dict[str, object]:
        told = {name: getattr(lead, name) for name in cls.Meta.fields if name != "changed"}
        return told | {"changed": changed}


class NewNoteSerializer(serializers.ModelSerializer[Note]):
    """A note to write."""

    text = serializers.CharField(
        max_length=MAX_NOTE,
        trim_whitespace=False,
        help_text=f"At most {MAX_NOTE} characters: a longer one is refused, never cut off.",
    )

    class Meta:
        model = Note
        fields = ("text", "kind")

    def validate_text(self, value: str) -> str:
        if text := clean_text(value):
            return text
        raise serializers.ValidationError("Write something.")


class WrittenNoteSerializer(RowSerializer):
    """A note that was written, without its text."""

    class Meta:
        model = Note
        fields = ("id", "kind", "author", "author_kind", "created_at")

    @classmethod
    def told(cls, note: Note) -> dict[str, object]:
        return {name: getattr(note, name) for name in cls.Meta.fields}


KINDS_OF_ENTRIES = (
    *("note", "status", "message", "chat", "follow_up", "edit", "failure"),
    "assignment",
)


class TimelineEntrySerializer(serializers.Serializer[Any]):
    """Something that happened with a lead."""

    kind = serializers.ChoiceField(KINDS_OF_ENTRIES)
    id = serializers.IntegerField(help_text="Unique within its kind.")
    at = serializers.DateTimeField()
    author = serializers.CharField(help_text="Who, if that is known.")
    author_kind = serializers.ChoiceField(("", "lead", *AuthorKind.values))
    text = serializers.CharField(help_text="What was written; of a status: the reason.")
    details = serializers.DictField(
        help_text="By kind. note: `kind`. status: `from_status`, `to`, `archive_reason`, "
        "`is_undone`. message (what Sarah posted): `outcome` of its sync, `lead_score`, `changes` "
        "(before and after, by field). chat: `type`, `status`, `reason`. follow_up: `due_at`, "
        "`assigned_to`, `outcome`, `closed_at`, `closed_by`. edit (by a person): `field`, `old`, "
        "`new`. failure: `kind`, `resolution`, `resolved_at`, `resolved_by`, `occurrences`. "
        "assignment: `from_name`, `to_name` (user names; empty: nobody)."
    )


class TimelineSerializer(serializers.Serializer[Any]):
    """A page of a timeline."""

    next = serializers.URLField(allow_null=True, help_text="The next page; null: this is the last.")
    results = TimelineEntrySerializer(many=True)


class NewLeadsSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    before = serializers.IntegerField(help_text="In the whole day, week or month before.")


class NewByPeriodSerializer(serializers.Serializer[Any]):
    today = NewLeadsSerializer()
    week = NewLeadsSerializer(help_text="Since Monday.")
    month = NewLeadsSerializer()


class AnsweredSerializer(serializers.Serializer[Any]):
    """Leads that were handed over in the last 30 days, and are not still in time."""

    in_time = serializers.IntegerField()
    late = serializers.IntegerField(help_text="Answered late, or not yet.")
    share_in_time = serializers.IntegerField(allow_null=True, help_text="Per cent.")
    median_minutes = serializers.FloatField(allow_null=True, help_text="To the first answer.")
    by_person = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many each person answered."
    )


class StatsSerializer(serializers.Serializer[Any]):
    """Numbers of leads."""

    total = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_standing = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="The statuses, told apart by who set them: `converted` by a person, "
        "`closed_by_sarah` and `closed_cold`.",
    )
    by_temperature = serializers.DictField(child=serializers.IntegerField())
    average_score = serializers.FloatField(allow_null=True)
    new = NewByPeriodSerializer()
    archived_because = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Why those that are archived now were archived; `unknown`: nobody was asked.",
    )
    converted_by_person = serializers.DictField(
        child=serializers.IntegerField(),
        help_text="Of those that are converted now, by the user name of who said so.",
    )
    answered = AnsweredSerializer()


class DigestQuerySerializer(serializers.Serializer[Any]):
    period = serializers.ChoiceField(("day", "week"), default="day")
    language = serializers.ChoiceField(Language.choices, default=Language.INDONESIAN)


class DigestSerializer(serializers.Serializer[Any]):
    """A WhatsApp message."""

    text = serializers.CharField(help_text="Under 800 characters; send it as it is.")
