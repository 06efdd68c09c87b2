"""What went wrong, and what healed."""

from monitoring.models.failures import Resolution, Source, SyncFailure, SyncFailureQuerySet
from monitoring.models.runs import RunTrigger, SyncRun

__all__ = [
    "Resolution",
    "RunTrigger",
    "Source",
    "SyncFailure",
    "SyncFailureQuerySet",
    "SyncRun",
]
