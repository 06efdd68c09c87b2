"""The guarded sync: copies a saved conversation to its lead, and records what fails."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_noop

from contacts import quota
from contacts.identity import locked_lead, moved_lead
from contacts.models import AuthorKind, Contact, Membership, Workspace
from contacts.workflow import SARAH, ArchiveReason, Why
from leadsync.infra.db import raise_if_transaction_is_lost
from leadsync.infra.queries import CompiledQuery
from leadsync.infra.waits import heed_deadline, limit_lock_waits
from monitoring.errors import as_failure, frames
from monitoring.models.failures import Resolution, SyncFailure
from sarah import rules
from sarah.guards import record_failure
from sarah.models import SarahState, SyncReason

logger = logging.getLogger(__name__)

EXPLANATIONS = {
    SyncReason.CONTACT_NOT_FOUND: gettext_noop("No lead has this phone."),
    SyncReason.AMBIGUOUS_CONTACT: gettext_noop("Several workspaces have a lead with this phone."),
    SyncReason.WORKSPACE_NOT_FOUND: gettext_noop(
        "No workspace has this slug or Kapso phone number id."
    ),
}
NO_ID = gettext_noop("No lead has this WhatsApp user id.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncResult:
    """The result of a sync: synced, or why not (with an explanation where the reason says too
    little), and the cause of its failure."""

    reason: SyncReason | None = None
    explanation: str = ""
    cause_id: int | None = None

    @property
    def synced(self) -> bool:
        return self.reason is None

    @property
    def needs_no_retry(self) -> bool:
        """Whether it is in sync, or is not to be synced."""
        return self.reason in (None, SyncReason.EXCLUDED)


def guarded_sync(state: SarahState) -> SyncResult:
    """Sync a saved conversation to its lead; whatever that raises, the conversation stays saved.

    A failed sync leaves the lead untouched, the conversation marked as out of sync, and one failure
    on record. Raises only if the transaction itself is lost, because then nothing is saved.
    """
    try:
        with transaction.atomic():
            limit_lock_waits()
            result = sync(state)
    except Exception as error:  # noqa: BLE001 (guard: nothing in the sync may cost a message)
        raise_if_transaction_is_lost()
        return _broken(state, error)
    return _put_on_record(state, result)


def save_guarded(state: SarahState, *, fields: Sequence[str]) -> SyncResult:
    """Save a conversation (`fields` of it, unless it is new) and sync it, guarded as above.

    The savepoint is opened before the save: if the sync raises, the row is written once, after it.
    PostgreSQL rechecks a row's foreign keys at COMMIT if one transaction updates it twice, and
    waits there for whoever holds the lead, without a time-out.
    """
    is_new = state._state.adding
    state.is_guarded = False
    try:
        with transaction.atomic():
            heed_deadline()
            save(state, fields=fields)
            result = state.sync_result
    except Exception as error:
        raise_if_transaction_is_lost()
        if state._state.adding:
            raise  # another request was faster: the caller reads all rows anew
        if is_new:
            SarahState.objects.bulk_create([state])  # sends no signal
            return _broken(state, error)
        return _broken(state, error, unsaved={name: getattr(state, name) for name in fields})
    return _put_on_record(state, result)


def save(state: SarahState, *, fields: Sequence[str]) -> None:
    """Insert a new conversation, or save `fields` of an existing one."""
    if state._state.adding:
        state.save(force_insert=True)
    else:
        state.save(update_fields=fields)


def sync(state: SarahState) -> SyncResult:
    """Copy the conversation to its lead and heal its failures.

    Runs in the caller's transaction and locks the lead, because staff write to it as well.
    """
    if state.workspace is None:
        return SyncResult(reason=_why_unresolved(state))
    if state.workspace.is_test_number(state.contact_phone):
        return _excluded(state)
    contact = _locked_contact(state)
    may_create = state.workspace.creates_contacts and not state.lost_its_lead
    if contact is None and may_create:
        if quota.is_used_up(state.workspace):
            return SyncResult(
                reason=SyncReason.CONTACT_NOT_FOUND, explanation=quota.explain(state.workspace)
            )
        contact = _create_contact(state)
    if contact.opted_out if contact else state.lost_its_lead:
        return _excluded(state, contact)
    if contact is None:
        return SyncResult(
            reason=SyncReason.CONTACT_NOT_FOUND, explanation="" if state.contact_phone else NO_ID
        )
    changes = rules.changes_for(contact, state)
    if rules.wants_an_owner(contact, state, changes):
        changes |= _next_owner(state.workspace)
    why = Why(text=f"Sarah: {state.state}", archived=ArchiveReason.NOT_INTERESTED)
    contact.change(changes, by=SARAH, kind=AuthorKind.BOT, why=why)
    _heal_failures(state)
    state.confirm_synced(contact)
    return SyncResult()


def _why_unresolved(state: SarahState) -> SyncReason:
    if state.workspace_ref:
        return SyncReason.WORKSPACE_NOT_FOUND
    homes = Contact.objects.at(state.who).values("pk")[:2]
    return SyncReason.AMBIGUOUS_CONTACT if len(homes) > 1 else SyncReason.CONTACT_NOT_FOUND


_contact_at = CompiledQuery(
    lambda: Contact.objects.select_for_update(no_key=True).filter(phone="", workspace=0)
)


def _locked_contact(state: SarahState) -> Contact | None:
    """Find the lead by phone alone where nothing else is known, as of most conversations."""
    if state.is_lead_locked:
        return state.contact
    workspace: Any = state.workspace
    if state.business_scoped_user_id:
        return locked_lead(state.who, workspace, by=SARAH).lead
    found = next(iter(_contact_at(state.contact_phone, state.workspace_id)), None)
    return found or moved_lead(state.who, workspace).lead


def _create_contact(state: SarahState) -> Contact | None:
    """Insert or ignore, then lock: staff may be adding the same lead right now."""
    contact = Contact(
        phone=state.contact_phone,
        business_scoped_user_id=state.business_scoped_user_id,
        workspace=state.workspace,
        source=quota.CREATED_FOR_SARAH,
        last_activity_at=state.updated_at,
    )
    Contact.objects.bulk_create([contact], ignore_conflicts=True)
    return _locked_contact(state)


def _next_owner(workspace: Workspace) -> dict[str, object]:
    turn = Membership.objects.take_turn(workspace)
    return {"assigned_to": turn.user} if turn else {}


def _excluded(state: SarahState, contact: Contact | None = None) -> SyncResult:
    _heal_failures(state)
    state.mark_excluded(contact)
    return SyncResult(reason=SyncReason.EXCLUDED)


def _heal_failures(state: SarahState, *, still: str = "") -> None:
    """Heal the open failures but those of the kind `still`, signed with the person who asked for
    this retry, if any."""
    if state.may_have_open_failures:
        by = state.retry_requested_by
        SyncFailure.objects.filter(state=state).exclude(kind=still).heal(
            resolution=Resolution.RETRIED if by else Resolution.HEALED, by=by
        )


def _put_on_record(state: SarahState, result: SyncResult) -> SyncResult:
    """Record the failure if the conversation waits for its lead or workspace.

    What it waited for until now has come: that failure is over.
    """
    if result.reason not in EXPLANATIONS:
        return result
    if state.waited_for != result.reason:
        _heal_failures(state, still=result.reason)
    error = result.explanation or EXPLANATIONS[result.reason]
    state.mark_failed(result.reason)
    return _record(state, result.reason, error=error)


def _broken(
    state: SarahState, error: Exception, *, unsaved: dict[str, Any] | None = None
) -> SyncResult:
    logger.error("The sync of conversation %s failed: %s", state.pk, frames(error))
    state.mark_failed(SyncReason.SYNC_ERROR, also=unsaved)
    return _record(state, SyncReason.SYNC_ERROR, **as_failure(error))


def _record(state: SarahState, reason: SyncReason, **details: Any) -> SyncResult:
    details |= state.failure_key
    cause_id = record_failure(
        kind=reason,
        workspace_ref=state.workspace.slug if state.workspace else state.workspace_ref,
        state_id=state.pk,
        payload=state.as_payload(),
        is_retry=state.is_retry,
        sent_with=state.sent_with,
        **details,
    )
    return SyncResult(reason=reason, cause_id=cause_id)
