"""Alerts as a worker's look at the sync makes them."""

from datetime import datetime

from django.utils import timezone

from contacts.models import Workspace
from monitoring.alerts.announce import Finding, settle
from monitoring.models import Alert, AlertDelivery, AlertKind

HOOK = "https://hooks.example.com/T0/secret"
SILENT = Finding(kind=AlertKind.SILENCE, subject="default", text="No message for over 24 hours.")


def silence_of(workspace: Workspace) -> Finding:
    return Finding(
        kind=AlertKind.SILENCE, subject=workspace.slug, workspace_id=workspace.pk, text="Silent."
    )


def look(*findings: Finding, at: datetime | None = None) -> None:
    """Find these, and nothing else."""
    settle(findings, open_before=list(Alert.objects.open()), now=at or timezone.now())


def told() -> list[tuple[str, str]]:
    """Event and recipient of every delivery, oldest first."""
    return list(AlertDelivery.objects.order_by("pk").values_list("event", "recipient"))
