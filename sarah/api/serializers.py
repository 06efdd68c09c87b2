"""Describes `/sarah/state` for OpenAPI."""

from rest_framework import serializers

from contacts.models import MAX_SCORE, Language, Temperature
from sarah.models import ConversationState, SyncReason

BLANK_STATE = {
    "state": ConversationState.GREETING.value,
    "lead_score": 0,
    "lead_temperature": Temperature.COLD.value,
    "extracted_data": {},
    "language": Language.INDONESIAN.value,
    "message_count": 0,
}
STORED_FOR_LATER = "stored_for_later"


class StateSerializer(serializers.Serializer):
    """Sarah's memory of a conversation."""

    state = serializers.ChoiceField(ConversationState.choices)
    lead_score = serializers.IntegerField(min_value=0, max_value=MAX_SCORE)
    lead_temperature = serializers.ChoiceField(Temperature.choices)
    extracted_data = serializers.DictField()
    language = serializers.ChoiceField(Language.choices)
    message_count = serializers.IntegerField(min_value=0)
    contact_phone = serializers.CharField(
        required=False, allow_null=True, help_text="E.164; only for known people."
    )
    business_scoped_user_id = serializers.CharField(
        required=False, allow_null=True, help_text="Only if it was asked by this id."
    )
    workspace_id = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="The workspace's slug, or what the bot sent if no such workspace exists.",
    )
    created_at = serializers.DateTimeField(required=False)
    updated_at = serializers.DateTimeField(required=False)
    last_message_at = serializers.DateTimeField(required=False, allow_null=True)
    paused = serializers.BooleanField(
        required=False,
        help_text="Only if it is true: a person has taken over, and Sarah says nothing.",
    )


class MessageSerializer(serializers.Serializer):
    """A message of the bot. A field that is absent or null keeps its stored value."""

    contact_phone = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Any spelling of a phone number. This or the id is required; both link them.",
    )
    business_scoped_user_id = serializers.CharField(
        required=False, allow_null=True, help_text="WhatsApp's id of the person, as it came."
    )
    workspace_id = serializers.CharField(
        required=False, allow_null=True, help_text="A slug or a Kapso phone_number_id."
    )
    state = serializers.ChoiceField(ConversationState.choices, required=False, allow_null=True)
    lead_score = serializers.FloatField(
        min_value=0, max_value=MAX_SCORE, required=False, allow_null=True, help_text="Rounded."
    )
    lead_temperature = serializers.ChoiceField(Temperature.choices, required=False, allow_null=True)
    extracted_data = serializers.DictField(
        required=False,
        allow_null=True,
        help_text="name, business_type, team_size, pain_points, goals …; further keys are kept. "
        "Merged key by key: an empty value never replaces a filled one.",
    )
    language = serializers.ChoiceField(Language.choices, required=False, allow_null=True)
    message_count = serializers.IntegerField(min_value=0, required=False, allow_null=True)
    last_message_at = serializers.DateTimeField(required=False, allow_null=True)


class ReceiptSerializer(serializers.Serializer):
    """The message is committed; `sync` says whether it has reached the lead."""

    success = serializers.BooleanField()
    sync = serializers.BooleanField()
    syncReason = serializers.ChoiceField(  # noqa: N815 (the name on the wire)
        [*SyncReason.choices, (STORED_FOR_LATER, "The database cannot take it yet")],
        required=False,
        help_text="Only if sync is false.",
    )
    warnings = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="By field: what could not be used as it was sent, and what we did.",
    )
