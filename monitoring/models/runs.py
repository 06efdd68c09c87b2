"""Records of the background work: reconciliations and heartbeats of workers."""

from datetime import timedelta
from typing import Self

from django.db import IntegrityError, models, transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

DEAD_AFTER = timedelta(minutes=2)
"""A worker or run without a heartbeat for this long was killed, or hangs: each sends one every ten
seconds, also during long work."""
FORGOTTEN_AFTER = timedelta(days=1)
STOPPED = "Stopped before it was done."
"""The error of a run whose worker was told to stop. Nothing is wrong: another run follows."""


class RunTrigger(models.TextChoices):
    WORKER = "worker", _("Worker")
    COMMAND = "command", _("Command")


class SyncRunQuerySet(models.QuerySet["SyncRun"]):
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
        return f"{self.started_at:%Y-%m-%d %H:%M}"

    def beat(self, **counts: int) -> None:
        """Show a sign of life, with the counts so far."""
        SyncRun.objects.filter(pk=self.pk).update(beat_at=Now(), **counts)

    def finish(self, *, error: str = "", **counts: int) -> None:
        """End the run with its counts; `error` says why it is incomplete."""
        SyncRun.objects.filter(pk=self.pk).update(
            beat_at=Now(), finished_at=Now(), error=error, **counts
        )


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    """Uses the database's clock: workers run on several machines."""

    def alive(self) -> Self:
        return self.filter(beat_at__gte=Now() - DEAD_AFTER)

    def dead(self) -> Self:
        """Workers that sent no heartbeat for a while and did not sign off: killed, or hanging."""
        return self.filter(beat_at__lt=Now() - DEAD_AFTER)

    def beat(self, worker: str) -> None:
        """Record that this worker is alive."""
        if not self.filter(worker=worker).update(beat_at=Now()):
            self.create(worker=worker)

    def sign_off(self, worker: str) -> None:
        """Remove a worker that stops in good order, so that nobody misses it."""
        self.filter(worker=worker).delete()


class Heartbeat(models.Model):
    """The latest heartbeat of a worker."""

    worker = models.CharField(_("worker"), max_length=200, unique=True)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    beat_at = models.DateTimeField(_("last sign of life"), db_default=Now())

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.worker
