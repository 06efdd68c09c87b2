"""JSON of what bots write to leads, and what they are answered."""

from typing import Any

from rest_framework import serializers

from contacts.models import Contact, Note
from contacts.models.history import MAX_NOTE
from contacts.text import clean_line, clean_text
from contacts.workflow import MAX_REASON, ArchiveReason, LeadStatus
from leadsync.api.lists import RowSerializer


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
