"""Admin pages of failures, causes, alerts and reconciliations."""

from monitoring.admin.alert_settings import AlertSettingsAdmin
from monitoring.admin.alerts import AlertAdmin
from monitoring.admin.causes import FailureGroupAdmin
from monitoring.admin.failures import SyncFailureAdmin
from monitoring.admin.notifications import NotificationsAdmin
from monitoring.admin.runs import SyncRunAdmin
