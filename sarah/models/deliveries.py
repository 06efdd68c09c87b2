"""The model of a delivery of Kapso's: as it came, and the queue of what is still to be worked."""

import random
from datetime import timedelta
from typing import Self

from django.db import models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from leadsync.infra.visible import VisibleQuerySet
from sarah.backoff import RETRIES, delay_after
from sarah.models.feeds import MAX_EVENT

LEASE = timedelta(minutes=2)
"""How long a delivery is left to the worker or the request that took it."""


class KapsoDeliveryQuerySet(VisibleQuerySet["KapsoDelivery"]):
    def waiting(self) -> Self:
        return self.filter(worked_at__isnull=True)

    def parked(self) -> Self:
        """Those that broke ten times: they need a person."""
        return self.waiting().filter(next_attempt_at__isnull=True)

    def due(self) -> Self:
        """Those to be worked now by the database's clock, and taken by nobody."""
        free = Q(lease_ends_at__isnull=True) | Q(lease_ends_at__lte=Now())
        return self.waiting().filter(free, next_attempt_at__lte=Now())

    def lease(self, limit: int) -> list[int]:
        """Lease up to `limit` due deliveries to the caller, the oldest first.

        Leases run out by the database's clock, so those of a killed worker are taken over.
        """
        with transaction.atomic():
            due = self.due().order_by("next_attempt_at", "pk")
            locked = due.select_for_update(skip_locked=True, no_key=True)
            pks = list(locked.values_list("pk", flat=True)[:limit])
            self.model.objects.filter(pk__in=pks).update(lease_ends_at=Now() + LEASE)
        return pks

    def release(self) -> int:
        """Return leased deliveries that were not worked."""
        return self.waiting().update(lease_ends_at=None)

    def replay(self) -> int:
        """Make these due once more, whatever became of them; returns how many. They count as tried
        once, so that a failure of theirs heals.

        What a delivery said once is not said again: messages are kept once, and no lead that a
        person deleted comes back.
        """
        return self.update(
            worked_at=None,
            attempts=1,
            next_attempt_at=Now(),
            lease_ends_at=None,
            waits_for_room=False,
        )


class KapsoDelivery(models.Model):
    """A delivery as it came. Known by its idempotency key: Kapso sends it again until answered."""

    MAX_KEY = 64

    workspace = models.ForeignKey(
        "contacts.Workspace",
        models.CASCADE,
        related_name="kapso_deliveries",
        db_index=False,
        verbose_name=_("workspace"),
    )
    idempotency_key = models.CharField(_("idempotency key"), max_length=MAX_KEY)
    event = models.CharField(_("event"), max_length=MAX_EVENT, blank=True)
    body = models.TextField(_("body as sent"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    worked_at = models.DateTimeField(_("worked"), null=True, blank=True)
    attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True, db_default=Now())
    lease_ends_at = models.DateTimeField(_("leased until"), null=True, blank=True)
    waits_for_room = models.BooleanField(
        _("waits for room among the leads of an hour"), default=False, db_default=False
    )

    objects = KapsoDeliveryQuerySet.as_manager()

    class Meta:
        verbose_name = _("delivery from Kapso")
        verbose_name_plural = _("deliveries from Kapso")
        permissions = [("replay_kapsodelivery", "Can work deliveries from Kapso once more")]
        constraints = [
            models.UniqueConstraint(
                fields=["workspace", "idempotency_key"], name="kapso_delivery_is_kept_once"
            ),
        ]
        indexes = [
            # "What came in lately?" and "What is too old to keep?"
            models.Index(fields=["-received_at"], name="kapso_delivery_by_time"),
            # "What is due?"
            models.Index(
                fields=["next_attempt_at"],
                condition=Q(worked_at__isnull=True),
                name="kapso_delivery_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event or 'Meta'} · {date_format(timezone.localtime(self.received_at))}"

    def take(self, lease: timedelta) -> None:
        """Take it as it is inserted: whoever received it works it at once."""
        self.lease_ends_at = Now() + lease

    def mark_worked(self) -> None:
        self._write(worked_at=timezone.now(), next_attempt_at=None, lease_ends_at=None)

    def mark_broken(self) -> None:
        """Schedule the next attempt, by the database's clock; after ten a person has to look."""
        attempts = self.attempts + 1
        delay = delay_after(attempts, chance=random.random())
        due = None if delay is None or attempts >= RETRIES else Now() + delay
        self._write(attempts=attempts, next_attempt_at=due, lease_ends_at=None)

    def wait(self, delay: timedelta, *, for_room: bool = False) -> None:
        """Come back later, without anything having failed."""
        self._write(next_attempt_at=Now() + delay, lease_ends_at=None, waits_for_room=for_room)

    def _write(self, **values: object) -> None:
        KapsoDelivery.objects.filter(pk=self.pk).update(**values)
