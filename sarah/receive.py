"""Receives a message in one transaction: its conversation, its lead and its journal row."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial

from django.db import OperationalError, connection, transaction

from contacts.erasure import is_erased_since
from contacts.phones import InvalidPhone
from leadsync.infra.bodies import as_evidence
from leadsync.infra.db import LOST, is_busy, past_races
from leadsync.infra.waits import bounded_queries, bounded_waits, heed_deadline, patience
from leadsync.infra.writes import as_one_statement
from monitoring.errors import frames
from monitoring.kinds import Kind
from sarah import journal, retry
from sarah.addressing import (
    Address,
    ForeignWorkspace,
    find_address,
    known_conversation,
    locked_conversation,
)
from sarah.guards import record_failure
from sarah.journal import Arrival
from sarah.merge import merge
from sarah.models import WAITING, Outcome, SarahState, StateUpdate, SyncReason
from sarah.reading import field_of
from sarah.sync import SyncResult, save, save_guarded
from sarah.warned import Warned

logger = logging.getLogger(__name__)

SECOND_WAIT_MS = 50
"""How long a message waits for a lock if it has waited in vain, or is in the spool."""


class NotCommitted(OperationalError):
    """The transaction ended without an error and without a commit."""


class ConversationLocked(OperationalError):
    """Somebody else held the conversation for too long; the guarded way would only wait again."""


class PersonErased(Exception):
    """The person was erased after the message arrived: nothing old brings them back."""


class NotInOrder(Exception):
    """The plain way did not end in a synced lead; the guarded way handles the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that a message is committed, with the result of its sync and warnings for the bot."""

    result: SyncResult
    warnings: dict[str, str]


def receive(arrival: Arrival) -> Receipt:
    """Commit one message, sync it, and add it to the journal.

    The first try is one plain transaction. If anything in it raises, it is rolled back and the
    message is received again the guarded way, with all rows read anew, on a new connection if that
    was lost; then its COMMIT may have worked, so the journal is asked. One from the spool takes the
    guarded way at once.

    Raises InvalidPhone or ForeignWorkspace if the message has no address, and PersonErased. Raises
    OperationalError, InterfaceError or IntegrityError if it could not be committed; then it can be
    received again.
    """
    if arrival.was_stored:
        state, receipt = _commit_guarded(arrival, wait_ms=SECOND_WAIT_MS, may_be_in=True)
    else:
        state, receipt = _commit_plainly_or_guarded(arrival)
    return replace(receipt, result=_look_again(state) or receipt.result)


def _commit_plainly_or_guarded(arrival: Arrival) -> tuple[SarahState, Receipt]:
    with patience.waits() as wait_ms:
        try:
            return _commit(arrival, wait_ms=wait_ms)
        except (InvalidPhone, ForeignWorkspace):
            raise
        except Exception as error:
            patience.note(error)
            was_locked = is_busy(error)
            if was_locked and (
                connection.vendor == "sqlite" or isinstance(error, ConversationLocked)
            ):
                raise  # the second try would only wait for the same lock
            is_lost = isinstance(error, LOST) and not was_locked
            if is_lost:
                connection.close()
        second_wait_ms = SECOND_WAIT_MS if was_locked else wait_ms
        return _commit_guarded(arrival, wait_ms=second_wait_ms, may_be_in=is_lost)


def _commit_guarded(
    arrival: Arrival, *, wait_ms: int | None, may_be_in: bool
) -> tuple[SarahState, Receipt]:
    commit = partial(_commit, is_guarded=True, wait_ms=wait_ms, may_be_in=may_be_in)
    return past_races(partial(commit, arrival))


def _commit(
    arrival: Arrival,
    *,
    wait_ms: int | None,
    is_guarded: bool = False,
    may_be_in: bool = False,
) -> tuple[SarahState, Receipt]:
    commits: list[None] = []
    with bounded_waits(wait_ms, sent_later=not arrival.was_stored):
        state, receipt = _receive(arrival, is_guarded=is_guarded, may_be_in=may_be_in)
        transaction.on_commit(lambda: commits.append(None))
    if not commits:
        raise NotCommitted("The message was not committed.")
    return state, receipt


def _look_again(state: SarahState) -> SyncResult | None:
    """`retry.look_again`; the message is committed, so a failure is logged and costs nothing."""
    if state.sync_reason not in WAITING:
        return None
    try:
        with bounded_queries():
            return retry.look_again(state)
    except Exception as error:  # noqa: BLE001 (guard)
        logger.error("Conversation %s was not looked at again: %s", state.pk, frames(error))
        return None


def _receive(arrival: Arrival, *, is_guarded: bool, may_be_in: bool) -> tuple[SarahState, Receipt]:
    message = arrival.message
    address = find_address(
        message.contact_phone,
        message.user_id,
        ref=message.workspace_ref,
        key_workspace=arrival.key_workspace,
    )
    who = address.who
    if arrival.was_stored and any(is_erased_since(one, arrival.at) for one in who.identities):
        raise PersonErased
    heed_deadline()
    state = None if is_guarded else known_conversation(address)
    is_guarded = state is None
    if state is None:
        state = _conversation_at(address, arrival)
    state.sent_with = arrival.key_id
    if may_be_in and (entry := StateUpdate.objects.received_as(arrival.id, state)):
        return entry.state, _receipt_of(entry)
    merged = merge(state, message, is_late=arrival.was_stored and arrival.at < state.updated_at)
    problems = message.warnings | merged.problems
    warnings = problems | ({"message_count": Warned.LATE} if merged.is_late else {})
    before = {name: getattr(state, name) for name in merged.values}
    fields = [*_changed(state, merged.values, arrival), *state.hear(merged.told)]
    fields += state.complete(who)
    with nullcontext() if is_guarded else as_one_statement():
        result = (save_guarded if is_guarded else _save_plainly)(state, fields=fields)
        if problems:
            _record_problems(state, problems, arrival.raw)
        entry = journal.entry_of(state, result, arrival, before=before, warnings=warnings)
        # Without its entry, a message from the spool could come in twice.
        journal.add(entry, is_guarded=is_guarded and not arrival.was_stored)
    return state, Receipt(result=result, warnings=warnings)


def _conversation_at(address: Address, arrival: Arrival) -> SarahState:
    try:
        return locked_conversation(address) or _new_conversation(address, arrival)
    except OperationalError as error:
        if is_busy(error):
            raise ConversationLocked from error.__cause__
        raise


def _receipt_of(entry: StateUpdate) -> Receipt:
    reason = None if entry.outcome == Outcome.SYNCED else SyncReason(entry.outcome)
    return Receipt(result=SyncResult(reason=reason), warnings=entry.warnings)


def _save_plainly(state: SarahState, *, fields: Sequence[str]) -> SyncResult:
    state.is_guarded = False
    save(state, fields=fields)
    if not state.sync_result.synced:
        raise NotInOrder
    return state.sync_result


def _new_conversation(address: Address, arrival: Arrival) -> SarahState:
    """A new conversation. If two first messages arrive at once, the later insert fails, and its
    second try finds the row."""
    return SarahState(
        contact_phone=address.who.phone or None,
        business_scoped_user_id=address.who.user_id or None,
        workspace=address.workspace,
        workspace_ref="" if address.workspace else address.ref,
        told=[],
        created_at=arrival.at,
        updated_at=arrival.at,
    )


def _changed(state: SarahState, values: dict[str, object], arrival: Arrival) -> list[str]:
    """Set the new values and what every message sets; returns the fields to save."""
    for name, value in values.items():
        setattr(state, name, value)
    state.revision += 1
    fields = [*values, "revision", *state.mark_synced()]
    if arrival.was_stored and arrival.at < state.updated_at:
        state.state_told_at = arrival.at if "state" in values else state.state_told_at
        return [*fields, "state_told_at"]
    state.updated_at, waited = arrival.at, state.waited_in_spool
    state.waited_in_spool = arrival.was_stored
    fields += ["waited_in_spool"] * (waited != arrival.was_stored)
    if state.state_told_at:
        state.state_told_at = None
        fields.append("state_told_at")
    return [*fields, "updated_at"]


def _record_problems(state: SarahState, problems: dict[str, str], raw: bytes) -> None:
    record_failure(
        kind=Kind.INVALID_PAYLOAD,
        error="\n".join(problems.values()),
        subject=", ".join(sorted({field_of(name) for name in problems})),
        workspace_ref=state.workspace.slug if state.workspace else state.workspace_ref,
        contact_phone=state.contact_phone or "",
        state_id=state.pk,
        sent_with=state.sent_with,
        **as_evidence(raw),
    )
