"""Deleting what nobody will ask for any more from the records of monitoring."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from monitoring.models import (
    Alert,
    AlertDelivery,
    BulkItem,
    BulkRun,
    FailureGroup,
    Heartbeat,
    SyncRun,
)
from monitoring.models.workers import FORGOTTEN_AFTER

BATCH_SIZE = 500
"""Rows a transaction may hold: SQLite has one writer, and the bot must not wait."""
KEPT = timedelta(days=90)

Rows = models.QuerySet[Any]


def never() -> bool:
    return False


def prune(*, kept: timedelta = KEPT, stopped: Callable[[], bool] = never) -> Counter[str]:
    """Delete what is older, in small commits, until `stopped` says so; returns how many of each."""
    rows = outdated(kept=kept)
    return +Counter({name: delete(found, stopped=stopped) for name, found in rows.items()})


def outdated(*, kept: timedelta = KEPT) -> dict[str, Rows]:
    """What may go, by what it is; what hangs on other rows comes before them."""
    before = timezone.now() - kept
    runs = BulkRun.objects.filter(Q(finished_at__lt=before) | Q(cancelled_at__lt=before))
    alerts = Alert.objects.filter(recovered_at__lt=before)
    deliveries = Q(alert__in=alerts) | Q(alert__isnull=True, created_at__lt=before)
    groups = FailureGroup.objects.exclude(failures__isnull=False).exclude(updates__isnull=False)
    said = ("acknowledged_at", "ignored_until", "resolved_at")
    return {
        "reconciliations": SyncRun.objects.filter(finished_at__lt=before).order_by("pk"),
        "alert deliveries": AlertDelivery.objects.filter(deliveries).order_by("pk"),
        "alerts": alerts.order_by("pk"),
        "bulk items": BulkItem.objects.filter(run__in=runs).order_by("pk"),
        "bulk runs": runs.order_by("pk"),
        "workers": Heartbeat.objects.filter(beat_at__lt=Now() - FORGOTTEN_AFTER).order_by("pk"),
        "causes of failures": groups.filter(created_at__lt=before)
        .exclude(Q.create([(f"{when}__gte", before) for when in said], connector=Q.OR))
        .order_by("pk"),
    }


def delete(rows: Rows, *, stopped: Callable[[], bool] = never) -> int:
    """Delete these rows in their order, at most BATCH_SIZE in a transaction, until none is left or
    `stopped` says so; returns how many there were.

    Rows are locked and then looked at once more: a failure that another request records at this
    very moment keeps its group, or is recorded once more, with a new one (PostgreSQL checks the
    reference when that request commits, and every writer tries again then).
    """
    deleted = 0
    while not stopped() and (pks := list(rows.values_list("pk", flat=True)[:BATCH_SIZE])):
        with transaction.atomic():
            batch = rows.model._base_manager.filter(pk__in=pks)
            list(batch.select_for_update().order_by("pk").values_list("pk"))
            _all, by_model = rows.filter(pk__in=pks).delete()
        deleted += by_model.get(rows.model._meta.label, 0)
    return deleted
