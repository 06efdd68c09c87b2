"""`/api/v1/sync-health/`: how the sync is doing, for machines."""

from dataclasses import asdict
from datetime import UTC, datetime

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.models import Workspace
from leadsync.lists import refuse_foreign
from leadsync.models import Scope
from sarah.api.health_schema import describe_sync_health
from sarah.diagnosis import Run
from sarah.health import Health, recent_health
from sarah.windows import Window


class SyncHealthView(APIView):
    read_scope = write_scope = Scope.FAILURES_READ

    @describe_sync_health
    def get(self, request: Request) -> Response:
        """The numbers of the key's workspace, or of the one that is named, or of all."""
        slug = request.query_params.get("workspace", "")
        refuse_foreign(request.auth.workspace, slug)
        workspace = request.auth.workspace or _named(slug)
        return Response(health_json(recent_health(workspace), of_all=workspace is None))


def _named(slug: str) -> Workspace | None:
    if not slug:
        return None
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is None:
        raise ValidationError({"workspace": "There is no workspace with this slug."})
    return workspace


def health_json(health: Health, *, of_all: bool) -> dict[str, object]:
    """The health as JSON, times in UTC; without what is about all workspaces if it is of one."""
    vitals = health.vitals
    return {
        "status": health.status,
        "at": utc(vitals.at),
        "problems": [asdict(problem) for problem in health.problems],
        "windows": {window.name: _window_json(window) for window in health.windows},
        "open_failures": dict(health.open_failures),
        "backlog": asdict(health.backlog),
        "oldest_waiting_at": utc(health.oldest_waiting_at),
        "oldest_due_at": utc(vitals.oldest_due_at),
        "workers": asdict(vitals.workers) | {"last_beat_at": utc(vitals.workers.last_beat_at)},
        "last_run": run_json(vitals.last_run) if vitals.last_run and of_all else None,
        "failing_alert_deliveries": vitals.failing_deliveries,
    }


def run_json(run: Run) -> dict[str, object]:
    told = asdict(run)
    del told["beat_at"]
    return told | {"started_at": utc(run.started_at), "finished_at": utc(run.finished_at)}


def utc(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def _window_json(window: Window) -> dict[str, object]:
    return {
        "messages": window.messages,
        "synced": window.synced,
        "failed": window.failed,
        "excluded": window.excluded,
        "failure_rate": round(window.ratio, 4),
        "latency_ms": {"p50": window.p50_ms, "p95": window.p95_ms, "max": window.max_ms},
    }
