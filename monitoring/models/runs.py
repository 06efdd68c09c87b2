"""Records of the background work: reconciliations and heartbeats of workers."""

from datetime import timedelta
from typing import Any, Self

from django.db import IntegrityError, models, transaction
from django.db.models import Count, F, Max, Q, Value
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from leadsync.infra.visible import UnownedQuerySet

DEAD_AFTER = timedelta(minutes=2)
"""A worker or run without a heartbeat for this long was killed, or hangs: each sends one every ten
seconds, also during long work."""
MISSING_AFTER = timedelta(minutes=5)
"""If no worker was seen for this long, one is missing; also if cron's next run is so late."""
FORGOTTEN_AFTER = timedelta(days=1)
FIRST_PERIOD = timedelta(hours=1)
"""How often cron runs a worker, until its second run shows it."""
STOPPED = "Stopped before it was done."
"""The error of a run whose worker was told to stop. Nothing is wrong: another run follows."""


class RunTrigger(models.TextChoices):
    WORKER = "worker", _("Worker")
    COMMAND = "command", _("Command")


class SyncRunQuerySet(UnownedQuerySet["SyncRun"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at__isnull=True)

    def begin(self, *, trigger: str) -> "SyncRun | None":
        """Start a run, or return None while another one is running: the database allows one.

        A run that was killed, by the database's clock, is closed first.
        """
        self.unfinished().filter(beat_at__lt=Now() - DEAD_AFTER).update(
            finished_at=F("beat_at"), error="Killed before it was done."
        )
        try:
            with transaction.atomic():
                return self.create(trigger=trigger)
        except IntegrityError:
            return None


class SyncRun(models.Model):
    """One reconciliation with its counts."""

    trigger = models.CharField(_("started by"), max_length=7, choices=RunTrigger)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    beat_at = models.DateTimeField(_("last sign of life"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    checked = models.PositiveIntegerField(_("checked"), default=0)
    healed = models.PositiveIntegerField(_("healed"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    still_open = models.PositiveIntegerField(_("still open"), default=0)
    error = models.TextField(_("error"), blank=True)

    objects = SyncRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                # A constant: at most one unfinished row.
                Value(1),
                condition=Q(finished_at__isnull=True),
                name="sync_run_is_alone",
            ),
            models.CheckConstraint(
                condition=Q(trigger__in=RunTrigger.values), name="sync_run_trigger_is_known"
            ),
        ]

    def __str__(self) -> str:
        return date_format(timezone.localtime(self.started_at), "j M Y, H:i")

    def beat(self, **counts: int) -> None:
        """Show a sign of life, with the counts so far."""
        SyncRun.objects.filter(pk=self.pk).update(beat_at=Now(), **counts)

    def finish(self, *, error: str = "", **counts: int) -> None:
        """End the run with its counts; `error` says why it is incomplete."""
        SyncRun.objects.filter(pk=self.pk).update(
            beat_at=Now(), finished_at=Now(), error=error, **counts
        )


ALIVE = Q(stopped_at__isnull=True, beat_at__gte=Now() - DEAD_AFTER)
DEAD = Q(stopped_at__isnull=True, beat_at__lt=Now() - DEAD_AFTER)
"""It sent no heartbeat for a while and did not sign off: killed, or hanging."""
SEEN = Q(beat_at__gte=Now() - MISSING_AFTER) | Q(next_run_at__gte=Now() - MISSING_AFTER)


class HeartbeatQuerySet(UnownedQuerySet["Heartbeat"]):
    """Uses the database's clock: workers run on several machines."""

    def alive(self) -> Self:
        return self.filter(ALIVE)

    def seen(self) -> Self:
        """Those that were seen lately, or are expected from cron."""
        return self.filter(SEEN)

    def numbers(self) -> dict[str, Any]:
        """How many are alive and dead, whether none was seen lately, and when one was last."""
        numbers = self.aggregate(
            alive=Count("pk", filter=ALIVE),
            dead=Count("pk", filter=DEAD),
            seen=Count("pk", filter=SEEN),
            last_beat_at=Max("beat_at"),
        )
        return numbers | {"is_missing": numbers.pop("seen") == 0}

    def beat(self, worker: str) -> None:
        """Record that this worker is alive."""
        if not self.filter(worker=worker).update(beat_at=Now(), stopped_at=None):
            self.bulk_create([Heartbeat(worker=worker)], ignore_conflicts=True)

    def begin_run(self, worker: str) -> None:
        """Record that cron started this worker: its next run is due after as long again."""
        last = self.filter(worker=worker).annotate(now=Now()).values_list("now", "started_at")
        period = next((min(now - began, FORGOTTEN_AFTER) for now, began in last), FIRST_PERIOD)
        self.beat(worker)
        self.filter(worker=worker).update(started_at=Now(), next_run_at=Now() + period)

    def sign_off(self, worker: str) -> None:
        """Record that a worker stops in good order: it was not killed."""
        self.filter(worker=worker).update(beat_at=Now(), stopped_at=Now())


class Heartbeat(models.Model):
    """The latest heartbeat of a worker."""

    worker = models.CharField(_("worker"), max_length=200, unique=True)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    beat_at = models.DateTimeField(_("last sign of life"), db_default=Now())
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    next_run_at = models.DateTimeField(
        _("next run"), null=True, blank=True, help_text=_("Of a worker that cron starts.")
    )

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.worker
