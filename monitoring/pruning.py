"""Deletes old messages and old records of monitoring."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db import models, transaction
from django.db.models import Max, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from contacts.models import DEPARTURES_KEPT_FOR, Departure, Merge, Workspace
from contacts.models.merges import UNDOABLE_FOR
from leadsync.infra.db import BATCH_SIZE
from leadsync.models import IdempotentAnswer
from monitoring.models import (
    Alert,
    AlertDelivery,
    FailureGroup,
    Heartbeat,
    LeadEvent,
    RefusedBody,
    SyncRun,
)
from monitoring.models.runs import FORGOTTEN_AFTER
from sarah.models import KapsoDelivery, StateUpdate

KEPT_DAYS = 90
"""How long the records of monitoring are kept."""

DELIVERIES_DAYS = 7
"""How long a delivery of Kapso's is kept as it came: it has what was said, and where media open."""
KNOWN_FOR = timedelta(days=365)
"""How long an address counts as one from which an account has logged in (`leadsync/lockout.py`)."""

Rows = models.QuerySet[Any]


def never() -> bool:
    return False


def prune(*, days: int | None = None, stopped: Callable[[], bool] = never) -> Counter[str]:
    """Delete what is too old in small commits until `stopped` says so; returns counts by kind.

    Messages are kept as the two settings of the journal say, refused ones for 7 days, other
    records for 90; `days` replaces these ages. Safe to run in several workers at once.
    """
    deleted: Counter[str] = Counter()
    for name, rows in outdated(days=days):
        deleted[name] += delete(rows, stopped=stopped)
    return +deleted


def prunable(*, days: int | None = None) -> Counter[str]:
    """Return how many rows `prune` would delete, by kind."""
    counts: Counter[str] = Counter()
    for name, rows in outdated(days=days):
        counts[name] += rows.order_by().count()
    return +counts


def outdated(*, days: int | None = None) -> list[tuple[str, Rows]]:
    """Return the querysets to delete with their names; dependent rows come first."""
    before = timezone.now() - timedelta(days=days or KEPT_DAYS)
    alerts = Alert.objects.filter(recovered_at__lt=before)
    deliveries = Q(alert__in=alerts) | Q(alert__isnull=True, created_at__lt=before)
    causes = FailureGroup.objects.exclude(failures__isnull=False).exclude(updates__isnull=False)
    said = ("acknowledged_at", "ignored_until", "resolved_at")
    too_old = old_messages(days=days)
    return [
        ("messages from Sarah", too_old),
        ("messages from Sarah", surplus_messages().exclude(pk__in=too_old.values("pk"))),
        ("refused messages", old_bodies(days=days)),
        ("deliveries from Kapso", old_deliveries(days=days)),
        *old_chat(days=days),
        ("failed log-ins", old_failed_logins()),
        ("log-ins", AccessLog.objects.filter(attempt_time__lt=timezone.now() - KNOWN_FOR)),
        ("answers to repeats", IdempotentAnswer.objects.expired().order_by("created_at")),
        ("merges", Merge.objects.older_than(timezone.now() - UNDOABLE_FOR).order_by("at")),
        (
            "leads that are gone",
            Departure.objects.older_than(timezone.now() - DEPARTURES_KEPT_FOR).order_by("at"),
        ),
        (
            "events of leads",
            LeadEvent.objects.filter(created_at__lt=before).order_by("created_at"),
        ),
        ("reconciliations", SyncRun.objects.filter(finished_at__lt=before).order_by("pk")),
        ("alert deliveries", AlertDelivery.objects.filter(deliveries).order_by("pk")),
        ("alerts", alerts.order_by("pk")),
        (
            "workers",
            Heartbeat.objects.filter(beat_at__lt=Now() - FORGOTTEN_AFTER).order_by("pk"),
        ),
        (
            "causes of failures",
            causes.filter(created_at__lt=before)
            .exclude(Q.create([(f"{when}__gte", before) for when in said], connector=Q.OR))
            .order_by("pk"),
        ),
    ]


def old_chat(*, days: int | None = None) -> list[tuple[str, Rows]]:
    """What was written on WhatsApp before the days that each workspace keeps it."""
    found: list[tuple[str, Rows]] = []
    for workspace in Workspace.objects.order_by("pk"):
        before = timezone.now() - timedelta(days=days or workspace.chat_days)
        messages = workspace.chat.older_than(before).order_by("sent_at")
        marks = workspace.chat_marks.older_than(before).order_by("at")
        words = workspace.marketing_words.older_than(before).order_by("at")
        found += [("chat messages", messages), ("delivery marks", marks)]
        found.append(("words about marketing", words))
    return found


def old_deliveries(*, days: int | None = None) -> Rows:
    """Deliveries that were worked a while ago; the others are kept as long as other records."""
    before = timezone.now() - timedelta(days=days or DELIVERIES_DAYS)
    worked = Q(worked_at__isnull=False, received_at__lt=before)
    given_up = Q(received_at__lt=timezone.now() - timedelta(days=days or KEPT_DAYS))
    return KapsoDelivery.objects.filter(worked | given_up).order_by("received_at")


def old_messages(*, days: int | None = None) -> Rows:
    before = timezone.now() - timedelta(days=days or settings.LEADSYNC_JOURNAL_DAYS)
    return StateUpdate.objects.filter(received_at__lt=before).order_by("received_at")


def old_bodies(*, days: int | None = None) -> Rows:
    before = timezone.now() - timedelta(days=min(days or KEPT_DAYS, RefusedBody.KEPT_DAYS))
    return RefusedBody.objects.filter(received_at__lt=before).order_by("received_at")


def old_failed_logins() -> Rows:
    before = timezone.now() - settings.AXES_COOLOFF_TIME
    return AccessAttempt.objects.filter(attempt_time__lt=before).order_by("pk")


def surplus_messages() -> Rows:
    """The oldest messages beyond LEADSYNC_JOURNAL_MAX_ROWS.

    Keys count up, so the first and the last one tell at once if there cannot be so many. Only if
    there may be, the newest rows are counted in the primary key's index.
    """
    limit = settings.LEADSYNC_JOURNAL_MAX_ROWS
    ends = StateUpdate.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None or ends["last"] - ends["first"] < limit:
        return StateUpdate.objects.none()
    newest = StateUpdate.objects.order_by("-pk").values_list("pk", flat=True)
    surplus = next(iter(newest[limit : limit + 1]), 0)
    return StateUpdate.objects.filter(pk__lte=surplus).order_by("pk")


def delete(rows: Rows, *, stopped: Callable[[], bool] = never) -> int:
    """Delete these rows in their order, in small commits, until `stopped` says so; returns how
    many.

    Rows are locked and checked again: a failure that another request records at this moment keeps
    its cause, or is recorded once more with a new one (PostgreSQL checks the reference when that
    request commits, and every writer has a second try).
    """
    deleted = 0
    while not stopped() and (pks := list(rows.values_list("pk", flat=True)[:BATCH_SIZE])):
        with transaction.atomic():
            batch = rows.model._base_manager.filter(pk__in=pks)
            list(batch.select_for_update().order_by("pk").values_list("pk"))
            _all, by_model = rows.filter(pk__in=pks).delete()
        deleted += by_model.get(rows.model._meta.label, 0)
    return deleted
