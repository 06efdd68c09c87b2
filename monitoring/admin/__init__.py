"""Sync failures in the admin."""

from monitoring.admin.failures import SyncFailureAdmin

__all__ = ["SyncFailureAdmin"]
