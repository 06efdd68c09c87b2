"""What went wrong, and what healed."""

from monitoring.models.alerts import Alert, AlertDelivery, AlertSettings, Cause, Channel, Event
from monitoring.models.bulk import BulkAction, BulkItem, BulkResult, BulkRun
from monitoring.models.failures import Resolution, SyncFailure, SyncFailureQuerySet
from monitoring.models.groups import FailureGroup, FailureGroupQuerySet, Source
from monitoring.models.runs import RunTrigger, SyncRun
from monitoring.models.workers import Heartbeat

__all__ = [
    "Alert",
    "AlertDelivery",
    "AlertSettings",
    "BulkAction",
    "BulkItem",
    "BulkResult",
    "BulkRun",
    "Cause",
    "Channel",
    "Event",
    "FailureGroup",
    "FailureGroupQuerySet",
    "Heartbeat",
    "Resolution",
    "RunTrigger",
    "Source",
    "SyncFailure",
    "SyncFailureQuerySet",
    "SyncRun",
]
