"""The description of `/api/v1/sync-health/` in the OpenAPI schema."""

from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers

from leadsync.api import error_responses
from monitoring.models import RunTrigger
from sarah.diagnosis import Code
from sarah.health import REMEMBERED_SECONDS, Status
from sarah.windows import LENGTHS

DESCRIPTION = f"""
How many messages came in and how they fared in the last hour, day and week, what waits, who works,
and what is wrong, in sentences. At most {REMEMBERED_SECONDS} seconds old. Counts of the backlog end
at 10001: it means more than 10,000.

A key that is bound to a workspace sees only its numbers; others may name one.
Scope: `failures:read`.
"""


class LatencySerializer(serializers.Serializer):
    p50 = serializers.IntegerField(allow_null=True)
    p95 = serializers.IntegerField(allow_null=True)
    max = serializers.IntegerField(allow_null=True)


class WindowSerializer(serializers.Serializer):
    messages = serializers.IntegerField()
    synced = serializers.IntegerField()
    failed = serializers.IntegerField(help_text="Should have reached a lead and did not, then.")
    excluded = serializers.IntegerField(help_text="Opted out or a test number: no failure.")
    failure_rate = serializers.FloatField(help_text="failed / (synced + failed), 0 to 1.")
    latency_ms = LatencySerializer(help_text="Null if there were no messages.")


class WindowsSerializer(serializers.Serializer):
    def get_fields(self) -> dict[str, Any]:
        return {name: WindowSerializer() for name in LENGTHS}


class ProblemSerializer(serializers.Serializer):
    code = serializers.ChoiceField(Code.choices)
    text = serializers.CharField(help_text="What is wrong, and what to do about it.")


class BacklogSerializer(serializers.Serializer):
    due = serializers.IntegerField(help_text="To be tried again now.")
    scheduled = serializers.IntegerField(help_text="To be tried again later.")
    parked = serializers.IntegerField(help_text="Failed too often: needs a person.")
    waiting = serializers.DictField(
        child=serializers.IntegerField(), help_text="For a lead or a workspace, by reason."
    )
    excluded = serializers.IntegerField(help_text="Opted out or a test number: no failure.")


class WorkersSerializer(serializers.Serializer):
    alive = serializers.IntegerField()
    dead = serializers.IntegerField(help_text="Vanished without being stopped.")
    last_beat_at = serializers.DateTimeField(allow_null=True)


class RunSerializer(serializers.Serializer):
    trigger = serializers.ChoiceField(RunTrigger.choices)
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True, help_text="Null: under way.")
    checked = serializers.IntegerField()
    healed = serializers.IntegerField()
    failed = serializers.IntegerField()
    still_open = serializers.IntegerField()
    error = serializers.CharField(help_text="Blank if it ended well.")


class SyncHealthSerializer(serializers.Serializer):
    """How the sync is doing."""

    status = serializers.ChoiceField(Status.choices, help_text="`degraded`: see `problems`.")
    at = serializers.DateTimeField(help_text="When this was so.")
    problems = ProblemSerializer(many=True)
    windows = WindowsSerializer()
    open_failures = serializers.DictField(
        child=serializers.IntegerField(), help_text="By kind, as in `/api/v1/sync-failures/`."
    )
    backlog = BacklogSerializer()
    oldest_waiting_at = serializers.DateTimeField(
        allow_null=True, help_text="When the oldest open failure that a sync would heal began."
    )
    oldest_due_at = serializers.DateTimeField(
        allow_null=True, help_text="When the next retry is due; in the past: late."
    )
    workers = WorkersSerializer()
    last_run = RunSerializer(
        allow_null=True,
        help_text="The last reconciliation. Null if there was none, or for one workspace: it is "
        "about all.",
    )
    failing_alert_deliveries = serializers.IntegerField()


describe_sync_health = extend_schema(
    operation_id="sync_health",
    tags=["sync failures"],
    summary="Get the health of the sync",
    description=DESCRIPTION,
    parameters=[OpenApiParameter("workspace", description="A workspace's slug.")],
    responses={200: SyncHealthSerializer, **error_responses(400, 401, 403, 404, 429, 503)},
)
