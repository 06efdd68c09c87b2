"""The guarded sync: copies a saved conversation to its lead, and records it if that fails."""

import logging
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from contacts import quota
from contacts.models import Contact
from leadsync.infra.db import CompiledQuery, raise_if_transaction_is_lost
from monitoring.errors import as_failure, frames
from monitoring.models.failures import Resolution, SyncFailure
from sarah import rules
from sarah.guards import record_failure
from sarah.models import SarahState, SyncReason

logger = logging.getLogger(__name__)

SIGNATURE = "sarah-bot"
EXPLANATIONS = {
    SyncReason.CONTACT_NOT_FOUND: "No lead has this phone.",
    SyncReason.AMBIGUOUS_CONTACT: "Several workspaces have a lead with this phone.",
    SyncReason.WORKSPACE_NOT_FOUND: "No workspace has this slug or Kapso phone number id.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """The result of a sync: synced, or the reason why not (with an explanation if the reason does
    not say enough) and the id of the cause that its failure belongs to."""

    reason: SyncReason | None = None
    explanation: str = ""
    cause_id: int | None = None

    @property
    def synced(self) -> bool:
        return self.reason is None

    @property
    def needs_no_retry(self) -> bool:
        """Whether it is synced, or must not be."""
        return self.reason in (None, SyncReason.EXCLUDED)


def guarded_sync(state: SarahState) -> SyncResult:
    """Sync a saved conversation to its lead; whatever that raises, the conversation stays saved.

    A sync that fails leaves the lead untouched, the conversation marked as out of sync, and one
    failure recorded. Raises only if the transaction itself is lost, because nothing is saved then.
    """
    try:
        with transaction.atomic():
            _limit_lock_waits()
            result = sync(state)
    except Exception as error:  # noqa: BLE001 (guard: nothing in the sync may cost a message)
        raise_if_transaction_is_lost()
        logger.error("The sync of conversation %s failed: %s", state.pk, frames(error))
        return _failed(state, SyncReason.SYNC_ERROR, **as_failure(error))
    if result.reason in EXPLANATIONS:
        why = result.explanation or EXPLANATIONS[result.reason]
        return _failed(state, result.reason, error=why)
    return result


def sync(state: SarahState) -> SyncResult:
    """Copy what the conversation says to its lead, and heal its failures.

    Runs in the caller's transaction, and locks the lead's row, because staff write to it, too.
    """
    if state.workspace is None:
        return SyncResult(reason=_why_unresolved(state))
    if state.workspace.is_test_number(state.contact_phone):
        return _excluded(state)
    contact = _locked_contact(state)
    if contact is None and state.workspace.creates_contacts:
        if quota.is_used_up(state.workspace):
            return SyncResult(
                reason=SyncReason.CONTACT_NOT_FOUND, explanation=quota.explain(state.workspace)
            )
        contact = _create_contact(state)
    if contact is None:
        return SyncResult(reason=SyncReason.CONTACT_NOT_FOUND)
    if contact.opted_out:
        return _excluded(state, contact)
    contact.change(rules.changes_for(contact, state), by=SIGNATURE, reason=f"Sarah: {state.state}")
    _heal_failures(state)
    state.confirm_synced(contact)
    return SyncResult()


def _limit_lock_waits() -> None:
    """Limit waits for locks: a row that a form holds must not hold up the bot. Not on SQLite: it
    has no row locks."""
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
    """Insert or ignore, then lock: staff may be adding the same lead right now."""
    contact = Contact(
        phone=state.contact_phone,
        workspace=state.workspace,
        source=quota.CREATED_FOR_SARAH,
        last_activity_at=state.updated_at,
    )
    Contact.objects.bulk_create([contact], ignore_conflicts=True)
    return _locked_contact(state)


def _excluded(state: SarahState, contact: Contact | None = None) -> SyncResult:
    _heal_failures(state)
    state.mark_excluded(contact)
    return SyncResult(reason=SyncReason.EXCLUDED)


def _heal_failures(state: SarahState) -> None:
    """Heal the open failures, signed with who asked for this retry, if somebody did."""
    if state.may_have_open_failures:
        by = state.retry_requested_by
        SyncFailure.objects.filter(state=state).heal(
            resolution=Resolution.RETRIED if by else Resolution.HEALED, by=by
        )


def _failed(state: SarahState, reason: SyncReason, **details: Any) -> SyncResult:
    state.mark_failed(reason)
    cause_id = record_failure(
        kind=reason,
        workspace_ref=state.workspace.slug if state.workspace else state.workspace_ref,
        contact_phone=state.contact_phone,
        state_id=state.pk,
        payload=state.as_payload(),
        **details,
    )
    return SyncResult(reason=reason, cause_id=cause_id)
