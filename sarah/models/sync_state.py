"""The sync state of a conversation: whether it reached its lead, why not, when it is retried.

These columns are the queue of the sync. Only the methods here write them, all but one by
`update()`: a save would sync again, endlessly.
"""

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

from django.db import models, transaction
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from monitoring.models.failures import Resolution, SyncFailure
from sarah.backoff import delay_after

if TYPE_CHECKING:
    from contacts.models import Contact

LEASE = timedelta(minutes=2)
"""How long a conversation is left to the worker that leased it."""


class SyncReason(models.TextChoices):
    """Why a conversation is out of sync; also the bot's `syncReason`."""

    CONTACT_NOT_FOUND = "contact_not_found", _("Lead not found")
    AMBIGUOUS_CONTACT = "ambiguous_contact", _("Lead in several workspaces")
    WORKSPACE_NOT_FOUND = "workspace_not_found", _("Workspace not found")
    EXCLUDED = "excluded", _("Excluded")
    """The lead opted out or the phone is a test number: nothing is copied, and that is no
    failure."""
    SYNC_ERROR = "sync_error", _("Sync error")


WAITING = (
    SyncReason.CONTACT_NOT_FOUND,
    SyncReason.AMBIGUOUS_CONTACT,
    SyncReason.WORKSPACE_NOT_FOUND,
)
"""Reasons that end as soon as a lead or a workspace is added."""

NOT_QUEUED: dict[str, Any] = {
    "sync_attempts": 0,
    "next_sync_at": None,
    "has_open_failures": False,
    "retry_requested_by": "",
}


class SyncStateQuerySet(models.QuerySet[Any]):
    def synced(self) -> Self:
        return self.filter(synced_at__isnull=False, contact__isnull=False)

    def out_of_sync(self) -> Self:
        """Return those that should have reached a lead and have not, or whose lead is deleted."""
        waiting = Q(synced_at__isnull=True) | Q(contact__isnull=True)
        return self.filter(waiting).exclude(sync_reason=SyncReason.EXCLUDED)

    def excluded(self) -> Self:
        """Return those that must not reach a lead: it opted out, or the phone is a test number."""
        return self.filter(synced_at__isnull=True, sync_reason=SyncReason.EXCLUDED)

    def queued(self) -> Self:
        """Return those that are retried by themselves, now or later."""
        return self.filter(synced_at__isnull=True, next_sync_at__isnull=False)

    def due(self) -> Self:
        """Return those whose retry is due by the database's clock and that no worker has leased."""
        free = Q(leased_until__isnull=True) | Q(leased_until__lte=Now())
        return self.filter(free, synced_at__isnull=True, next_sync_at__lte=Now())

    def parked(self) -> Self:
        """Return those whose retries are used up: they need a person, and none gave up on them."""
        given_up = SyncFailure.objects.filter(
            state=OuterRef("pk"),
            resolution=Resolution.MANUAL,
            resolved_at__gte=OuterRef("updated_at"),
        )
        return self.filter(
            ~Exists(given_up),
            synced_at__isnull=True,
            sync_reason=SyncReason.SYNC_ERROR,
            next_sync_at__isnull=True,
        )

    def lease(self, limit: int) -> list[int]:
        """Lease up to `limit` due conversations, the longest due first; return their ids.

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
        """End the leases of conversations that were not retried; return how many."""
        return self.update(leased_until=None)

    def retry_now(self, *, by: str) -> int:
        """Make those that are out of sync due now, as requested by `by`; return how many.

        A worker that has leased one keeps it: that retry is as good.
        """
        waiting = self.filter(synced_at__isnull=True)
        return waiting.update(next_sync_at=Now(), retry_requested_by=by)

    def give_up(self) -> int:
        """End their retries, because a person resolved the failure. They stay out of sync."""
        queued = self.filter(next_sync_at__isnull=False)
        return queued.update(next_sync_at=None, retry_requested_by="")


class SyncState(models.Model):
    """The sync state of one conversation, and its transitions, each under the row's lock."""

    contact = models.ForeignKey(
        "contacts.Contact",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="conversations",
        verbose_name=_("lead"),
    )
    synced_at = models.DateTimeField(_("synced"), null=True, blank=True)
    sync_reason = models.CharField(
        _("out of sync because"), max_length=20, choices=SyncReason, blank=True
    )
    sync_attempts = models.PositiveIntegerField(_("failed attempts"), default=0)
    next_sync_at = models.DateTimeField(_("next attempt"), null=True, blank=True)
    leased_until = models.DateTimeField(_("leased until"), null=True, blank=True)
    has_open_failures = models.BooleanField(
        _("has open failures"),
        default=False,
        db_default=False,
        help_text=_("Failures that a successful sync heals. Spares each message a query."),
    )
    retry_requested_by = models.CharField(
        _("retry requested by"),
        max_length=150,
        blank=True,
        default="",
        db_default="",
        help_text=_("Who asked for the next attempt; signed on the failures that it closes."),
    )

    class Meta:
        abstract = True

    @property
    def may_have_open_failures(self) -> bool:
        """Also true if attempts are counted: processes of the previous release set nothing else."""
        return self.has_open_failures or self.sync_attempts > 0

    def mark_synced(self, *, retried_by: str = "") -> tuple[str, ...]:
        """Set the fields of a successful sync, and return them for the save. `retried_by` is who
        asked for it.

        They are saved in advance, and the sync takes them back if it fails: one statement less for
        each message. The fields about failures stay until then.
        """
        self.synced_at, self.sync_reason, self.leased_until = timezone.now(), "", None
        self.retry_requested_by = retried_by or self.retry_requested_by
        return ("synced_at", "sync_reason", "leased_until")

    def confirm_synced(self, contact: "Contact") -> None:
        """Link the lead and leave the queue: the sync worked. Mostly there is nothing to write."""
        changes: dict[str, Any] = {}
        if self.contact_id != contact.pk:
            changes["contact"] = contact
        if self.synced_at is None:
            changes |= {"synced_at": timezone.now(), "sync_reason": ""}
        if self.may_have_open_failures or self.next_sync_at:
            changes |= NOT_QUEUED
        self._write(changes)

    def mark_excluded(self, contact: "Contact | None" = None) -> None:
        """Mark that nothing of it must reach a lead; `contact` is the lead that opted out."""
        link = {"contact": contact} if contact else {}
        excluded = {"synced_at": None, "sync_reason": SyncReason.EXCLUDED}
        self._write({**excluded, **NOT_QUEUED, **link})

    def mark_failed(self, reason: SyncReason, **also: Any) -> None:
        """Mark that it did not reach its lead. Only errors are retried; the rest waits for what is
        missing.

        If no lead was found, one that was linked before is unlinked: its phone may have changed.
        """
        changes: dict[str, Any] = {
            "synced_at": None,
            "sync_reason": reason,
            **NOT_QUEUED,
            "has_open_failures": True,
            **also,
        }
        if reason == SyncReason.SYNC_ERROR:
            changes |= self._next_attempt()
        elif reason == SyncReason.CONTACT_NOT_FOUND and self.contact_id:
            changes["contact"] = None
        self._write(changes)

    def take_from_queue(self) -> bool:
        """Use up the attempt that is due; return False if a message, a person or another worker was
        faster: each of them ends the lease. The database's clock decided what is due, not ours."""
        if not (self.leased_until and self.next_sync_at):
            return False
        self.next_sync_at = None
        return True

    def postpone(self) -> None:
        """Postpone the retry of a conversation that failed outside of its guarded sync."""
        self.next_sync_at = None
        self.mark_failed(SyncReason.SYNC_ERROR, leased_until=None)

    def sync_state_with(self, other: "SyncState") -> dict[str, Any]:
        """Return the values of both that count for this one, which absorbs the other."""
        return {
            "sync_attempts": max(self.sync_attempts, other.sync_attempts),
            "has_open_failures": self.has_open_failures or other.has_open_failures,
        }

    def _next_attempt(self) -> dict[str, Any]:
        """Return when to retry; a message that fails before the next retry does not use one up."""
        now = timezone.now()
        if self.next_sync_at and self.next_sync_at > now:
            return {"sync_attempts": self.sync_attempts, "next_sync_at": self.next_sync_at}
        attempts = self.sync_attempts + 1
        delay = delay_after(attempts, chance=random.random())
        return {"sync_attempts": attempts, "next_sync_at": delay and now + delay}

    def _write(self, changes: dict[str, Any]) -> None:
        if not changes:
            return
        type(self)._default_manager.filter(pk=self.pk).update(**changes)
        for name, value in changes.items():
            setattr(self, name, value)
