"""The guarded contact sync: what a saved conversation does to its lead, and what if that fails."""

import logging
import random
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from contacts.compiled import CompiledQuery
from contacts.models import Contact
from monitoring.errors import as_failure, frames
from monitoring.models import Resolution, Source, SyncFailure
from sarah import flood, rules
from sarah.models import SarahState, SyncReason
from sarah.retries import delay_after

logger = logging.getLogger(__name__)

SIGNATURE = "sarah-bot"
EXPLANATIONS = {
    SyncReason.CONTACT_NOT_FOUND: "No lead has this phone.",
    SyncReason.AMBIGUOUS_CONTACT: "Several workspaces have a lead with this phone.",
    SyncReason.WORKSPACE_NOT_FOUND: "No workspace has this slug or Kapso phone number id.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """What a sync came to: synced, or the reason why not (in words where the reason alone does not
    say enough) and the group of the failure."""

    reason: SyncReason | None = None
    explanation: str = ""
    failure_group_id: int | None = None

    @property
    def synced(self) -> bool:
        return self.reason is None

    @property
    def is_fine(self) -> bool:
        """Synced, or nothing is to be synced."""
        return self.reason in (None, SyncReason.EXCLUDED)


def guarded_sync(state: SarahState) -> SyncResult:
    """Sync a saved conversation to its lead; whatever that raises, the conversation stays saved.

    A sync that fails leaves the lead untouched, the conversation marked as out of sync, and one
    failure on record. Raises only when the transaction itself is lost, since then nothing is saved.
    """
    try:
        with transaction.atomic():
            _limit_lock_waits()
            result = sync(state)
    except Exception as error:  # noqa: BLE001 (guard: nothing in the sync may cost a message)
        raise_if_transaction_is_lost()
        logger.error("The sync of conversation %s failed: %s", state.pk, frames(error))
        mark_out_of_sync(state, SyncReason.SYNC_ERROR)
        group_id = record_failure(kind=SyncReason.SYNC_ERROR, **as_failure(error), **_cause(state))
        return SyncResult(reason=SyncReason.SYNC_ERROR, failure_group_id=group_id)
    if result.reason:
        mark_out_of_sync(state, result.reason)
    if result.reason in EXPLANATIONS:
        group_id = record_failure(
            kind=result.reason,
            error=result.explanation or EXPLANATIONS[result.reason],
            **_cause(state),
        )
        return SyncResult(reason=result.reason, failure_group_id=group_id)
    return result


def sync(state: SarahState) -> SyncResult:
    """Copy what the conversation says to its lead and close its failures.

    Runs in the caller's transaction and locks the lead's row, because staff write to it as well.
    """
    if state.workspace is None:
        return SyncResult(reason=_why_unresolved(state))
    if state.workspace.is_test_number(state.contact_phone):
        _heal(state, None)
        return SyncResult(reason=SyncReason.EXCLUDED)
    contact = _locked_contact(state)
    if contact is None and state.workspace.creates_contacts:
        if flood.is_flooded(state.workspace):
            return SyncResult(
                reason=SyncReason.CONTACT_NOT_FOUND, explanation=flood.explain(state.workspace)
            )
        contact = _create_contact(state)
    if contact is None:
        return SyncResult(reason=SyncReason.CONTACT_NOT_FOUND)
    if contact.opted_out:
        _heal(state, contact)
        return SyncResult(reason=SyncReason.EXCLUDED)
    contact.change(rules.changes_for(contact, state), by=SIGNATURE, reason=f"Sarah: {state.state}")
    _heal(state, contact)
    return SyncResult()


def record_failure(
    *, kind: str, error: str, source: str = Source.SARAH, **details: Any
) -> int | None:
    """Put a failure on record and return its group; where even that fails, into the log (without
    personal data)."""
    try:
        return SyncFailure.objects.record(source=source, kind=kind, error=error, **details)
    except Exception as broken:  # noqa: BLE001 (guard: nor may a broken failure log)
        raise_if_transaction_is_lost()
        logger.error(
            "A failure of kind %s of conversation %s could not be recorded: %s",
            kind,
            details.get("state_id"),
            frames(broken),
        )
        return None


def raise_if_transaction_is_lost() -> None:
    """Raise the exception being handled if the surrounding transaction cannot commit any more.

    A connection that died inside the savepoint lets Django's outer `atomic()` end without an error
    and without a commit; the bot would be told that its message is safe.
    """
    if connection.needs_rollback or connection.closed_in_transaction:
        raise  # noqa: PLE0704 (called from an except block)


def _limit_lock_waits() -> None:
    """A row that somebody's form holds must not hold up the bot; SQLite has no row locks."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {settings.LEADSYNC_LOCK_TIMEOUT_MS:d}")


def _why_unresolved(state: SarahState) -> SyncReason:
    if state.workspace_ref:
        return SyncReason.WORKSPACE_NOT_FOUND
    homes = Contact.objects.filter(phone=state.contact_phone).values("pk")[:2]
    return SyncReason.AMBIGUOUS_CONTACT if len(homes) > 1 else SyncReason.CONTACT_NOT_FOUND


_contact_at = CompiledQuery(
    lambda: Contact.objects.select_for_update(no_key=True).filter(phone="", workspace=0)
)


def _locked_contact(state: SarahState) -> Contact | None:
    return next(iter(_contact_at(state.contact_phone, state.workspace_id)), None)


def _create_contact(state: SarahState) -> Contact | None:
    """Insert-or-ignore, then lock: staff may be adding the same lead right now."""
    contact = Contact(phone=state.contact_phone, workspace=state.workspace, source=Source.SARAH)
    contact.last_activity_at = state.updated_at
    Contact.objects.bulk_create([contact], ignore_conflicts=True)
    return _locked_contact(state)


def _heal(state: SarahState, contact: Contact | None) -> None:
    """Link the lead, unless none is meant, and close the failures of before."""
    changes: dict[str, object] = {}
    if contact and state.contact_id != contact.pk:
        changes["contact"] = contact
    if state.synced_at is None:
        changes["synced_at"] = timezone.now()
        changes["sync_reason"] = ""
    if state.sync_attempts:
        changes |= {"sync_attempts": 0, "next_sync_at": None}
        SyncFailure.objects.filter(state=state).heal(
            resolution=Resolution.RETRIED if state.retried_by else Resolution.HEALED,
            by=state.retried_by,
        )
    _write(state, changes)


def mark_out_of_sync(state: SarahState, reason: SyncReason) -> None:
    """Note why a conversation did not reach its lead, and when the next attempt is due."""
    changes: dict[str, object] = {"synced_at": None, "sync_reason": reason}
    if reason == SyncReason.SYNC_ERROR:
        changes |= _next_attempt(state)
    elif reason != SyncReason.EXCLUDED:
        changes |= {"sync_attempts": 1, "next_sync_at": None}
    if reason == SyncReason.CONTACT_NOT_FOUND and state.contact_id:
        changes["contact"] = None  # it has another phone now
    _write(state, changes)


def _next_attempt(state: SarahState) -> dict[str, object]:
    """When to retry; a message that fails while a retry is still to come does not use one up."""
    now = timezone.now()
    if state.next_sync_at and state.next_sync_at > now:
        return {}
    attempts = state.sync_attempts + 1
    delay = delay_after(attempts, chance=random.random())
    return {"sync_attempts": attempts, "next_sync_at": delay and now + delay}


def _write(state: SarahState, changes: dict[str, object]) -> None:
    """Write by `update()`: saving the conversation here would sync it again, without end."""
    if not changes:
        return
    SarahState.objects.filter(pk=state.pk).update(**changes)
    for name, value in changes.items():
        setattr(state, name, value)


def _cause(state: SarahState) -> dict[str, Any]:
    return {
        "workspace_ref": state.workspace.slug if state.workspace else state.workspace_ref,
        "contact_phone": state.contact_phone,
        "state_id": state.pk,
        "payload": state.as_payload(),
    }
