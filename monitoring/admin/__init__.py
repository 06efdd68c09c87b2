"""Sync failures and reconciliations in the admin."""

from monitoring.admin.failures import SyncFailureAdmin
from monitoring.admin.runs import SyncRunAdmin

__all__ = ["SyncFailureAdmin", "SyncRunAdmin"]
