"""JSON of what happened with a lead."""

from typing import Any

from rest_framework import serializers

from contacts.workflow import AuthorKind

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
