"""JSON of the numbers of leads, and of their digest."""

from typing import Any

from rest_framework import serializers

from contacts.models import Language


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
