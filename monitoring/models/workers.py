"""Signs of life of the background workers."""

from datetime import timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

DEAD_AFTER = timedelta(minutes=2)
"""A worker shows a sign of life at least every ten seconds, also in the middle of long work."""
FORGOTTEN_AFTER = timedelta(days=1)


class HeartbeatQuerySet(models.QuerySet["Heartbeat"]):
    """All by the database's clock: workers run on several machines."""

    def alive(self) -> Self:
        return self.filter(beat_at__gte=Now() - DEAD_AFTER)

    def dead(self) -> Self:
        """Workers that were not stopped but are not heard any more: killed, or hanging."""
        return self.filter(beat_at__lt=Now() - DEAD_AFTER)

    def beat(self, worker: str) -> None:
        """This worker is alive."""
        if not self.filter(worker=worker).update(beat_at=Now()):
            self.create(worker=worker)


class Heartbeat(models.Model):
    """A running worker; one that stops in good order takes its row along."""

    worker = models.CharField(_("worker"), max_length=200, unique=True)
    started_at = models.DateTimeField(_("started"), db_default=Now())
    beat_at = models.DateTimeField(_("last sign of life"), db_default=Now())

    objects = HeartbeatQuerySet.as_manager()

    class Meta:
        verbose_name = _("worker")
        verbose_name_plural = _("workers")

    def __str__(self) -> str:
        return self.worker
