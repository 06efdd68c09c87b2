"""The sync state of a conversation: in sync or not, why not, and when it is retried.

These columns are the queue of the sync. Only the methods here and those of `sync_queue.py` write
them, and all but `mark_synced` by `update()`: a save would sync again, endlessly.
"""

import random
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.infra import clock
from leadsync.infra.writes import Collected
from sarah.backoff import delay_after
from sarah.models.choices import SyncReason

if TYPE_CHECKING:
    from contacts.models import Contact


NOT_QUEUED: dict[str, Any] = {
    "sync_attempts": 0,
    "next_sync_at": None,
    "has_open_failures": False,
    "retry_requested_by": "",
}


def exclude_conversations(collector: Any, field: Any, conversations: Any, using: str) -> None:
    """Exclude and unlink the conversations of leads that are being deleted.

    An `on_delete`: it holds for one lead and for many, from the admin, a command or a shell. It
    writes nothing itself, because the page that asks whether to delete calls it as well. Some
    conversations were never linked, because their first sync failed: they have the lead's phone.
    """
    phones, ids = defaultdict(list), defaultdict(list)
    for lead in collector.data[field.related_model]:
        phones[lead.workspace_id].append(lead.phone)
        ids[lead.workspace_id].append(lead.business_scoped_user_id)
    rows = set(conversations)
    for workspace, numbers in phones.items():
        people = Q(contact_phone__in=numbers) | Q(business_scoped_user_id__in=ids[workspace])
        rows.update(field.model.objects.filter(people, workspace=workspace))
    changes = {
        "synced_at": None,
        "sync_reason": SyncReason.EXCLUDED,
        "next_sync_at": None,
        "lead_deleted_at": clock.now(),
        "paused_until": None,
        field.name: None,
    }
    for name, value in changes.items():
        collector.add_field_update(field.model._meta.get_field(name), value, rows)


exclude_conversations.lazy_sub_objs = True  # type: ignore[attr-defined]  # call it if none is linked


class SyncState(Collected):
    """The columns, and the transitions of one conversation; the caller holds the row's lock."""

    contact = models.ForeignKey(
        "contacts.Contact",
        exclude_conversations,
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
    revision = models.PositiveBigIntegerField(_("revision"), default=0)
    """Counted under the row's lock: the order of what was said, which no clock tells."""
    synced_revision = models.PositiveBigIntegerField(_("synced revision"), null=True, blank=True)
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

    given_up_at = models.DateTimeField(_("given up"), null=True, blank=True)
    given_up_by = models.CharField(
        _("given up by"), max_length=150, blank=True, default="", db_default=""
    )
    lead_deleted_at = models.DateTimeField(_("lead deleted"), null=True, blank=True)
    updated_at: datetime
    paused_until: datetime | None

    is_lead_locked = False
    """Whether `contact` was read with the lead's lock."""
    was_due = False
    """Whether this attempt was taken from the queue."""
    is_retry = False
    """Whether this sync is of what was said before."""
    sent_with: int | None = None
    """The id of the key whose message this sync is of."""
    waited_for = ""
    """Why it was out of sync before this sync."""

    class Meta:
        abstract = True

    @property
    def is_behind(self) -> bool:
        """Whether something was said since the last sync.

        Told by revisions, because machines' clocks differ. Rows of the previous release have none.
        """
        return self.synced_at is None or self.synced_revision not in (None, self.revision)

    @property
    def may_have_open_failures(self) -> bool:
        """Whether to look for open failures. The previous release only counts attempts."""
        return self.has_open_failures or self.sync_attempts > 0

    @property
    def lost_its_lead(self) -> bool:
        """Whether its lead was deleted and nobody has written from the number since."""
        return self.lead_deleted_at is not None and self.updated_at <= self.lead_deleted_at

    @property
    def waits_for_a_person(self) -> bool:
        """Whether its retries all failed, or a person has given up on it."""
        is_parked = self.sync_reason == SyncReason.SYNC_ERROR and self.next_sync_at is None
        return self.synced_at is None and (is_parked or self.given_up_at is not None)

    def mark_synced(self, *, retried_by: str = "") -> tuple[str, ...]:
        """Set what a successful sync leaves, before the save that syncs; returns the fields to
        save.

        The sync takes it back if it fails: one statement less for each message. What tells of open
        failures stays until then. `retried_by` is the person who asked for this sync.
        """
        also: tuple[str, ...] = ()
        if self.is_retry and self.synced_at and self.contact_id is None:
            # It was in sync, so its lead was deleted: by a process of a former release.
            self.lead_deleted_at, also = clock.now(), ("lead_deleted_at",)
        if self.given_up_at:
            self.given_up_at, self.given_up_by = None, ""
            also += ("given_up_at", "given_up_by")
        self.waited_for, self.sync_reason = self.sync_reason, ""
        self.synced_at, self.synced_revision = timezone.now(), self.revision
        self.leased_until = None
        self.retry_requested_by = retried_by or self.retry_requested_by
        return ("synced_at", "synced_revision", "sync_reason", "leased_until", *also)

    def confirm_synced(self, contact: "Contact") -> None:
        """Record a successful sync: link the lead, leave the queue. Often there is nothing to
        write."""
        changes: dict[str, Any] = {}
        if self.contact_id != contact.pk:
            changes["contact"] = contact
        if self.synced_at is None:
            changes |= {"synced_at": timezone.now(), "sync_reason": ""}
        if self.lead_deleted_at:
            changes["lead_deleted_at"] = None
        if self.paused_until != contact.paused_until:
            changes["paused_until"] = contact.paused_until
        if self.may_have_open_failures or self.next_sync_at:
            changes |= NOT_QUEUED
        self._write(changes)

    def mark_excluded(self, contact: "Contact | None" = None) -> None:
        """Record that nothing is synced; `contact` is the lead that opted out, if one did."""
        link: dict[str, Any] = {}
        if contact:
            link = {"contact": contact, "paused_until": contact.paused_until}
        excluded = {"synced_at": None, "sync_reason": SyncReason.EXCLUDED}
        self._write({**excluded, **NOT_QUEUED, **link})

    @property
    def is_in_order(self) -> bool:
        """Whether the last sync worked and no failure is open: then this one will likely work."""
        return bool(self.synced_at and self.contact_id) and not self.may_have_open_failures

    def mark_failed(self, reason: SyncReason, *, also: dict[str, Any] | None = None) -> None:
        """Record a failed sync; only errors are retried, the others wait for what is missing.

        A conversation that waits for its lead is unlinked: the lead's phone may have changed.
        `also` are further columns to write in the same statement.
        """
        changes: dict[str, Any] = {
            **(also or {}),
            "synced_at": None,
            "sync_reason": reason,
            **NOT_QUEUED,
            "has_open_failures": True,
        }
        if reason == SyncReason.SYNC_ERROR:
            changes |= self._next_attempt()
        elif reason == SyncReason.CONTACT_NOT_FOUND and self.contact_id:
            changes["contact"] = None
        self._write(changes)

    def take_from_queue(self) -> bool:
        """Use up the due attempt; False if a message, a person or another worker was faster.

        Each of them ends the lease. It is due by the database's clock, not ours.
        """
        self.was_due = bool(self.leased_until and self.next_sync_at)
        return self.was_due

    def postpone(self) -> None:
        """Schedule the next retry of a conversation that failed outside of its guarded sync."""
        self.was_due = True
        self.mark_failed(SyncReason.SYNC_ERROR, also={"leased_until": None})

    def sync_state_with(self, other: "SyncState") -> dict[str, Any]:
        """Return the sync state of the conversation that absorbs `other`."""
        return {
            "sync_attempts": max(self.sync_attempts, other.sync_attempts),
            "has_open_failures": self.has_open_failures or other.has_open_failures,
            "lead_deleted_at": max(
                filter(None, (self.lead_deleted_at, other.lead_deleted_at)), default=None
            ),
        }

    def _next_attempt(self) -> dict[str, Any]:
        """When to retry, by the database's clock.

        Only a due retry uses up an attempt; no message does, and no retry that a person asked for.
        """
        if self.sync_attempts and not self.was_due:
            return {"sync_attempts": self.sync_attempts, "next_sync_at": self.next_sync_at}
        attempts = self.sync_attempts + 1
        delay = delay_after(attempts, chance=random.random())
        return {"sync_attempts": attempts, "next_sync_at": delay and Now() + delay}

    def _write(self, changes: dict[str, Any]) -> None:
        if not changes:
            return
        type(self)._default_manager.filter(pk=self.pk).update(**changes)
        for name, value in changes.items():
            if isinstance(value, Combinable):
                self.__dict__.pop(name, None)  # known to the database: read when it is asked for
            else:
                setattr(self, name, value)
