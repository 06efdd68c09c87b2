"""Models of failures and causes, alerts, backups, and background runs."""

from monitoring.models.alert_deliveries import AlertDelivery, Event
from monitoring.models.alert_settings import AlertSettings, Channel
from monitoring.models.alerts import Alert, AlertKind
from monitoring.models.backups import Backup
from monitoring.models.causes import FailureGroup, FailureGroupQuerySet, GroupStatus
from monitoring.models.failures import Resolution, SyncFailure, SyncFailureQuerySet
from monitoring.models.notices import LeadEvent, LeadEventKind, LeadMessage, NotificationPreferences
from monitoring.models.refused import Refusal, RefusedBody, RefusedBodyQuerySet
from monitoring.models.runs import STOPPED, Heartbeat, RunTrigger, SyncRun
