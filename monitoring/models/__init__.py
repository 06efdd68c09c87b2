"""What went wrong, and what healed."""

from monitoring.kinds import Source
from monitoring.models.alerts import Alert, AlertDelivery, AlertSettings, Cause, Channel, Event
from monitoring.models.bulk import BulkAction, BulkItem, BulkResult, BulkRun, BulkRunQuerySet
from monitoring.models.failures import Resolution, SyncFailure, SyncFailureQuerySet
from monitoring.models.groups import FailureGroup, FailureGroupQuerySet, GroupStatus
from monitoring.models.runs import STOPPED, RunTrigger, SyncRun
from monitoring.models.workers import Heartbeat

__all__ = [
    "STOPPED",
    "Alert",
    "AlertDelivery",
    "AlertSettings",
    "BulkAction",
    "BulkItem",
    "BulkResult",
    "BulkRun",
    "BulkRunQuerySet",
    "Cause",
    "Channel",
    "Event",
    "FailureGroup",
    "FailureGroupQuerySet",
    "GroupStatus",
    "Heartbeat",
    "Resolution",
    "RunTrigger",
    "Source",
    "SyncFailure",
    "SyncFailureQuerySet",
    "SyncRun",
]
