"""Receives a message in one transaction: its conversation, its lead and its journal row."""

import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import OperationalError, connection, transaction
from django.utils import timezone

from contacts.models import Workspace
from contacts.phones import InvalidPhone
from leadsync.infra.db import bounded_waits, is_busy, raise_if_transaction_is_lost
from leadsync.infra.request_ids import request_id
from monitoring.errors import frames
from monitoring.kinds import Kind
from sarah import retry
from sarah.addressing import (
    Address,
    ForeignWorkspace,
    find_address,
    locked_conversation,
)
from sarah.guards import record_failure
from sarah.merge import LATE, merge
from sarah.models import Outcome, SarahState, StateUpdate
from sarah.reading import Message, as_evidence
from sarah.sync import SyncResult, save, save_guarded

logger = logging.getLogger(__name__)

MAX_VALUE = 500
"""The longest value in `changes`, in characters; the body as sent stands beside them."""

Changes = dict[str, tuple[object, object]]


class NotCommitted(OperationalError):
    """The transaction ended without an error and without a commit."""


class ConversationLocked(OperationalError):
    """Somebody else held the conversation for too long; the guarded way would only wait again."""


class NotInOrder(Exception):
    """The plain way did not end in a synced lead; the guarded way handles the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The key and client of a message, and when its request began (`time.perf_counter()`)."""

    started: float
    key_id: int | None = None
    client_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message as it arrived."""

    message: Message
    raw: bytes
    key_workspace: Workspace | None
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that a message is committed, with the result of its sync and warnings for the bot."""

    result: SyncResult
    warnings: dict[str, str]


def receive(
    message: Message, *, raw: bytes, key_workspace: Workspace | None, origin: Origin
) -> Receipt:
    """Commit one message, sync it, and add it to the journal; `raw` is the body as sent.

    The first try is one plain transaction. If anything in it raises, it is rolled back and the
    message is received again the guarded way, with all rows read anew.

    Raises InvalidPhone or ForeignWorkspace if the message has no address. Raises OperationalError,
    InterfaceError or IntegrityError if it could not be committed; then it can be received again.
    """
    arrival = Arrival(message=message, raw=raw, key_workspace=key_workspace, origin=origin)
    try:
        state, receipt = _commit(arrival, is_guarded=False)
    except (InvalidPhone, ForeignWorkspace, ConversationLocked):
        raise
    except Exception as error:
        if connection.vendor == "sqlite" and is_busy(error):
            raise  # its one lock was waited for already
        state, receipt = _commit(arrival, is_guarded=True)
    return replace(receipt, result=_look_again(state) or receipt.result)


def _commit(arrival: Arrival, *, is_guarded: bool) -> tuple[SarahState, Receipt]:
    commits: list[None] = []
    with bounded_waits():
        state, receipt = _receive(arrival, is_guarded=is_guarded)
        transaction.on_commit(lambda: commits.append(None))
    if not commits:
        raise NotCommitted("The message was not committed.")
    return state, receipt


def _look_again(state: SarahState) -> SyncResult | None:
    """`retry.look_again`; the message is committed, so a failure is logged and costs nothing."""
    try:
        return retry.look_again(state)
    except Exception as error:  # noqa: BLE001 (guard)
        logger.error("Conversation %s was not looked at again: %s", state.pk, frames(error))
        return None


def _receive(arrival: Arrival, *, is_guarded: bool) -> tuple[SarahState, Receipt]:
    message = arrival.message
    address = find_address(
        message.contact_phone, ref=message.workspace_ref, key_workspace=arrival.key_workspace
    )
    try:
        state = locked_conversation(address) or _new_conversation(address)
    except OperationalError as error:
        if is_busy(error):
            raise ConversationLocked from error.__cause__
        raise
    merged = merge(state, message)
    problems = message.warnings | merged.problems
    warnings = problems | ({"message_count": LATE} if merged.is_late else {})
    before = {name: getattr(state, name) for name in merged.values}
    is_guarded = is_guarded or not state.is_in_order
    fields = [*_changed(state, merged.values), *state.hear(merged.told)]
    if is_guarded:
        result = save_guarded(state, fields=fields)
    else:
        result = _save_plainly(state, fields=fields)
    if problems:
        _record_problems(state, problems, arrival.raw)
    entry = _journal_entry(state, result, arrival, before=before, warnings=warnings)
    _add_to_journal(entry, is_guarded=is_guarded)
    return state, Receipt(result=result, warnings=warnings)


def _save_plainly(state: SarahState, *, fields: Sequence[str]) -> SyncResult:
    state.is_guarded = False
    save(state, fields=fields)
    if not state.sync_result.synced:
        raise NotInOrder
    return state.sync_result


def changes_of(before: Mapping[str, object], after: Mapping[str, object]) -> Changes:
    """Return what differs by field, before and after; facts by their key. Pure."""
    changes: Changes = {}
    for name, old in before.items():
        new = after[name]
        pairs = {name: (old, new)}
        if isinstance(old, dict) and isinstance(new, dict):
            pairs = {f"{name}.{key}": (old.get(key), new[key]) for key in new}
        changes |= {field: (_cut(a), _cut(b)) for field, (a, b) in pairs.items() if a != b}
    return changes


def _new_conversation(address: Address) -> SarahState:
    """A new conversation. If two first messages arrive at once, the later insert fails, and its
    second try finds the row."""
    return SarahState(
        contact_phone=address.phone,
        workspace=address.workspace,
        workspace_ref="" if address.workspace else address.ref,
        told=[],
    )


def _changed(state: SarahState, values: dict[str, object]) -> list[str]:
    """Set the new values and what every message sets; returns the fields to save."""
    for name, value in values.items():
        setattr(state, name, value)
    state.revision += 1
    state.updated_at = timezone.now()
    return [*values, "revision", "updated_at", *state.mark_synced()]


def _record_problems(state: SarahState, problems: dict[str, str], raw: bytes) -> None:
    record_failure(
        kind=Kind.INVALID_PAYLOAD,
        error="\n".join(problems.values()),
        workspace_ref=state.workspace.slug if state.workspace else state.workspace_ref,
        contact_phone=state.contact_phone,
        state_id=state.pk,
        **as_evidence(raw),
    )


def _journal_entry(
    state: SarahState,
    result: SyncResult,
    arrival: Arrival,
    *,
    before: Mapping[str, object],
    warnings: dict[str, str],
) -> StateUpdate:
    """The journal row: the message, what it changed (`before`: old values of the fields that it
    wrote), and the result of its sync."""
    raw, origin = arrival.raw, arrival.origin
    return StateUpdate(
        state=state,
        received_at=state.updated_at,
        key_id=origin.key_id,
        client_address=origin.client_address,
        body=raw[: StateUpdate.MAX_BODY].decode("utf-8", "replace").replace("\x00", ""),
        changes=changes_of(before, {name: getattr(state, name) for name in before}),
        lead_score=state.lead_score,
        outcome=result.reason or Outcome.SYNCED,
        failure_group_id=result.cause_id,
        warnings=warnings,
        duration_ms=round((time.perf_counter() - origin.started) * 1000),
        request_id=request_id.get(),
    )


def _add_to_journal(entry: StateUpdate, *, is_guarded: bool) -> None:
    """Insert the journal row. Guarded: a failure is logged and costs no message."""
    if not is_guarded:
        entry.save(force_insert=True)
        return
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except Exception as error:  # noqa: BLE001 (guard: a broken journal costs no message)
        raise_if_transaction_is_lost()
        logger.error(
            "A message of conversation %s is not journalled: %s", entry.state_id, frames(error)
        )


def _cut(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[:MAX_VALUE]}…" if len(text) > MAX_VALUE else value
