"""The sync states of many conversations: what staff and workers ask, and what they change."""

from datetime import timedelta
from typing import Any, Self

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from leadsync.infra.visible import VisibleQuerySet
from sarah.models.choices import SyncReason

LEASE = timedelta(minutes=2)
"""How long a conversation is left to the worker that leased it."""


class SyncStateQuerySet(VisibleQuerySet[Any]):
    def synced(self) -> Self:
        return self.filter(synced_at__isnull=False, contact__isnull=False)

    def out_of_sync(self) -> Self:
        """Those that should have reached a lead and have not."""
        waiting = Q(synced_at__isnull=True) | Q(contact__isnull=True)
        return self.filter(waiting).exclude(sync_reason=SyncReason.EXCLUDED)

    def behind(self) -> Self:
        """Those out of sync that somebody or something has still to sync: neither people who are no
        leads yet, nor what a person has given up on."""
        return (
            self.out_of_sync()
            .filter(given_up_at__isnull=True)
            .exclude(synced_at__isnull=True, sync_reason=SyncReason.CONTACT_NOT_FOUND)
        )

    def given_up(self) -> Self:
        """Those that a person has given up on since they wrote."""
        return self.out_of_sync().filter(given_up_at__isnull=False)

    def excluded(self) -> Self:
        """Those that are not synced: the lead opted out or was deleted, or it is a test number."""
        return self.filter(synced_at__isnull=True, sync_reason=SyncReason.EXCLUDED)

    def queued(self) -> Self:
        """Return those that are retried by themselves, now or later."""
        return self.filter(synced_at__isnull=True, next_sync_at__isnull=False)

    def due(self) -> Self:
        """Those to be retried now by the database's clock, and leased by no worker."""
        free = Q(leased_until__isnull=True) | Q(leased_until__lte=Now())
        return self.filter(free, synced_at__isnull=True, next_sync_at__lte=Now())

    def parked(self) -> Self:
        """Those whose retries all failed: they need a person, and none has given up on them."""
        return self._waiting_because(SyncReason.SYNC_ERROR).filter(next_sync_at__isnull=True)

    def strangers(self) -> Self:
        """People who wrote to Sarah and are no leads yet; not those whom a person has turned down
        since they wrote."""
        return self._waiting_because(SyncReason.CONTACT_NOT_FOUND)

    def _waiting_because(self, reason: SyncReason) -> Self:
        """Those out of sync for this reason, unless a person has given up on them since."""
        return self.filter(given_up_at__isnull=True, synced_at__isnull=True, sync_reason=reason)

    def lease(self, limit: int) -> list[int]:
        """Lease up to `limit` due conversations to the caller, the longest due first.

        Leases run out by the database's clock, so those of a killed worker are taken over. Workers
        that lease at once skip each other's rows; SQLite has one writer and needs no skipping.
        """
        with transaction.atomic():
            due = self.due().order_by("next_sync_at", "pk")
            locked = due.select_for_update(skip_locked=True, no_key=True)
            pks = list(locked.values_list("pk", flat=True)[:limit])
            self.model.objects.filter(pk__in=pks).update(leased_until=Now() + LEASE)
        return pks

    def release(self) -> int:
        """Return leased conversations that were not worked."""
        return self.update(leased_until=None)

    def retry_now(self, *, by: str) -> int:
        """Make those that are out of sync due now, as requested by `by`; returns how many.

        A lease that a worker holds stays: its retry is as good.
        """
        waiting = self.filter(synced_at__isnull=True)
        return waiting.update(next_sync_at=Now(), retry_requested_by=by)

    def sync_soon(self) -> int:
        """Make these due now, also those in sync: what they waited for has come."""
        return self.update(synced_at=None, next_sync_at=Now())

    def give_up(self, *, by: str) -> int:
        """Stop retrying these: a person has resolved their failures. They stay out of sync until
        the next message, or until somebody retries them."""
        return self.filter(synced_at__isnull=True).update(
            given_up_at=timezone.now(),
            given_up_by=by,
            sync_attempts=0,
            next_sync_at=None,
            retry_requested_by="",
        )
