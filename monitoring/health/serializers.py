"""JSON of the health of the sync: `/api/v1/sync-health/` and `sync_status --json`."""

from datetime import UTC
from typing import Any

from rest_framework import serializers

from monitoring.health.numbers import Health
from monitoring.health.problems import Code, Status
from monitoring.health.windows import LENGTHS
from monitoring.models import FailureGroup, RunTrigger


class MomentField(serializers.DateTimeField):
    """A time, shown in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(default_timezone=UTC, **kwargs)


class LatencySerializer(serializers.Serializer):
    p50 = serializers.IntegerField(source="p50_ms", allow_null=True)
    p95 = serializers.IntegerField(source="p95_ms", allow_null=True)
    max = serializers.IntegerField(source="max_ms", allow_null=True)


class WindowSerializer(serializers.Serializer):
    messages = serializers.IntegerField()
    synced = serializers.IntegerField()
    failed = serializers.IntegerField(
        help_text="Should have reached a lead and did not when received."
    )
    excluded = serializers.IntegerField(help_text="Opted out or a test number: not a failure.")
    unknown = serializers.IntegerField(help_text="Of people who are no leads: news, not failures.")
    failure_rate = serializers.FloatField(
        source="rounded_ratio", help_text="failed / (synced + failed), 0 to 1."
    )
    latency_ms = LatencySerializer(source="*", help_text="Null if there were no messages.")


class WindowsSerializer(serializers.Serializer):
    def get_fields(self) -> dict[str, Any]:
        return {name: WindowSerializer() for name in LENGTHS}


class ProblemSerializer(serializers.Serializer):
    code = serializers.ChoiceField(Code.choices)
    text = serializers.CharField(help_text="What is wrong, and what to do about it.")
    recovering = serializers.BooleanField(
        source="is_recovering", help_text="Its reason is over; only its consequences are left."
    )


class BacklogSerializer(serializers.Serializer):
    due = serializers.IntegerField(help_text="To be retried now.")
    scheduled = serializers.IntegerField(help_text="To be retried later.")
    parked = serializers.IntegerField(help_text="Failed too often: needs a person.")
    waiting = serializers.DictField(
        child=serializers.IntegerField(), help_text="Wait for a lead or a workspace, by reason."
    )
    excluded = serializers.IntegerField(help_text="Opted out or a test number: not a failure.")


class WorkersSerializer(serializers.Serializer):
    alive = serializers.IntegerField()
    dead = serializers.IntegerField(help_text="Killed or hanging.")
    missing = serializers.BooleanField(
        source="is_missing",
        help_text="None was seen for five minutes, and none is expected from cron.",
    )
    last_beat_at = MomentField(allow_null=True)


class RunSerializer(serializers.Serializer):
    trigger = serializers.ChoiceField(RunTrigger.choices)
    started_at = MomentField()
    finished_at = MomentField(allow_null=True, help_text="Null while it is under way.")
    checked = serializers.IntegerField()
    healed = serializers.IntegerField()
    failed = serializers.IntegerField()
    still_open = serializers.IntegerField()
    error = serializers.CharField(help_text="Blank if it was completed.")


class SyncHealthSerializer(serializers.Serializer[Health]):
    """The health of the sync. What could not be read is null, and named in `unreadable`."""

    status = serializers.ChoiceField(
        Status.choices,
        help_text="`degraded`: see `problems`. `recovering`: what was wrong is over, and what it "
        "left behind is being worked.",
    )
    unreadable = serializers.ListField(
        source="vitals.unreadable",
        child=serializers.CharField(),
        help_text="Parts whose table is locked or broken.",
    )
    at = MomentField(source="vitals.at", help_text="When the numbers were read.")
    problems = ProblemSerializer(many=True)
    windows = WindowsSerializer(allow_null=True)
    open_failures = serializers.DictField(
        child=serializers.IntegerField(),
        allow_null=True,
        help_text="By kind, as in `/api/v1/sync-failures/`.",
    )
    backlog = BacklogSerializer(allow_null=True)
    oldest_waiting_at = MomentField(
        allow_null=True,
        help_text="When the oldest open failure that a sync would heal was first seen.",
    )
    oldest_due_at = MomentField(
        source="vitals.oldest_due_at",
        allow_null=True,
        help_text="When the next retry is due; it is late if this is in the past.",
    )
    workers = WorkersSerializer(source="vitals.workers", allow_null=True)
    last_run = RunSerializer(
        allow_null=True,
        help_text="The last reconciliation. Null if there was none, and for one workspace, because "
        "it is about all.",
    )
    failing_alert_deliveries = serializers.IntegerField(
        source="vitals.failing_deliveries", allow_null=True
    )


class CauseSerializer(serializers.ModelSerializer[FailureGroup]):
    status = serializers.CharField()
    leads = serializers.IntegerField()
    occurrences = serializers.IntegerField()
    last_seen_at = MomentField()

    class Meta:
        model = FailureGroup
        fields = (
            *("source", "kind", "exception", "function", "subject", "status"),
            *("leads", "occurrences", "last_seen_at"),
        )


class ReportSerializer(serializers.Serializer[Any]):
    """Everything that `sync_status` shows: health, causes, last runs, alerts."""

    health = SyncHealthSerializer()
    groups = CauseSerializer(source="causes", many=True)
    runs = RunSerializer(many=True)
    open_alerts = serializers.IntegerField()

    def to_representation(self, report: Any) -> dict[str, Any]:
        told = super().to_representation(report)
        return told.pop("health") | told
