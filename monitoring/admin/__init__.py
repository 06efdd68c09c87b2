"""Sync failures, their causes, bulk runs and reconciliations in the admin."""

from monitoring.admin.alert_settings import AlertSettingsAdmin
from monitoring.admin.alerts import AlertAdmin
from monitoring.admin.bulk import BulkItemAdmin, BulkRunAdmin
from monitoring.admin.failures import SyncFailureAdmin
from monitoring.admin.groups import FailureGroupAdmin
from monitoring.admin.runs import SyncRunAdmin

__all__ = [
    "AlertAdmin",
    "AlertSettingsAdmin",
    "BulkItemAdmin",
    "BulkRunAdmin",
    "FailureGroupAdmin",
    "SyncFailureAdmin",
    "SyncRunAdmin",
]
