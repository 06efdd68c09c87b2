"""Receives a message in one transaction: its conversation, its lead, its row in the journal."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import OperationalError, transaction
from django.utils import timezone

from contacts.models import Workspace
from leadsync.infra.db import raise_if_transaction_is_lost
from leadsync.infra.request_ids import request_id
from monitoring.errors import frames
from monitoring.kinds import Kind
from sarah import retry
from sarah.addressing import Address, find_address, locked_conversation
from sarah.guards import record_failure
from sarah.merge import LATE, merge
from sarah.models import Outcome, SarahState, StateUpdate
from sarah.reading import Message, as_evidence
from sarah.sync import SyncResult

logger = logging.getLogger(__name__)

MAX_VALUE = 500
"""The longest value in `changes`, in characters; the body as sent stands beside them."""

Changes = dict[str, tuple[object, object]]


class NotCommitted(OperationalError):
    """The transaction ended without an error and without a commit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a message came from, and when its request began (`time.perf_counter()`)."""

    started: float
    key_id: int | None = None
    client_address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """Proof that a message is committed: the result of its sync, and warnings for the bot."""

    result: SyncResult
    warnings: dict[str, str]


def receive(
    message: Message, *, raw: bytes, key_workspace: Workspace | None, origin: Origin
) -> Receipt:
    """Commit one message of a bot, sync it and add it to the journal; `raw` is the body as sent.

    Raises InvalidPhone or ForeignWorkspace if the message has no address. Raises OperationalError,
    InterfaceError or IntegrityError if it could not be committed; then it can be received again.
    """
    address = find_address(
        message.contact_phone, ref=message.workspace_ref, key_workspace=key_workspace
    )
    commits: list[None] = []
    with transaction.atomic():
        state = locked_conversation(address) or _new_conversation(address)
        merged = merge(state, message)
        problems = message.warnings | merged.problems
        warnings = problems | ({"message_count": LATE} if merged.is_late else {})
        before = {name: getattr(state, name) for name in merged.values}
        _save(state, merged.values)
        if problems:
            _record_problems(state, problems, raw)
        _add_to_journal(state, raw=raw, before=before, warnings=warnings, origin=origin)
        transaction.on_commit(lambda: commits.append(None))
    if not commits:
        raise NotCommitted("The message was not committed.")
    result = retry.look_again(state) or state.sync_result
    return Receipt(result=result, warnings=warnings)


def changes_of(before: Mapping[str, object], after: Mapping[str, object]) -> Changes:
    """Return what differs: before and after, by field; facts by their key. Pure."""
    changes: Changes = {}
    for name, old in before.items():
        new = after[name]
        pairs = {name: (old, new)}
        if isinstance(old, dict) and isinstance(new, dict):
            pairs = {f"{name}.{key}": (old.get(key), new[key]) for key in new}
        changes |= {field: (_cut(a), _cut(b)) for field, (a, b) in pairs.items() if a != b}
    return changes


def _new_conversation(address: Address) -> SarahState:
    """Return a conversation to insert. Of two first messages at once, the later insert fails, and
    its retry finds the row."""
    return SarahState(
        contact_phone=address.phone,
        workspace=address.workspace,
        workspace_ref="" if address.workspace else address.ref,
    )


def _save(state: SarahState, values: dict[str, object]) -> None:
    for name, value in values.items():
        setattr(state, name, value)
    state.revision += 1
    state.updated_at = timezone.now()
    written = [*values, "revision", "updated_at", *state.mark_synced()]
    if state._state.adding:
        state.save(force_insert=True)
    else:
        state.save(update_fields=written)


def _record_problems(state: SarahState, problems: dict[str, str], raw: bytes) -> None:
    record_failure(
        kind=Kind.INVALID_PAYLOAD,
        error="\n".join(problems.values()),
        workspace_ref=state.workspace.slug if state.workspace else state.workspace_ref,
        contact_phone=state.contact_phone,
        state_id=state.pk,
        **as_evidence(raw),
    )


def _add_to_journal(
    state: SarahState,
    *,
    raw: bytes,
    before: Mapping[str, object],
    warnings: dict[str, str],
    origin: Origin,
) -> None:
    """Add the message to the journal with what it changed (`before`: the old values of the fields
    that it wrote) and the result of its sync. If that fails, it is logged."""
    result = state.sync_result
    try:
        with transaction.atomic():
            StateUpdate.objects.create(
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
    except Exception as error:  # noqa: BLE001 (guard: a broken journal costs no message)
        raise_if_transaction_is_lost()
        logger.error("A message of conversation %s is not journalled: %s", state.pk, frames(error))


def _cut(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{text[:MAX_VALUE]}…" if len(text) > MAX_VALUE else value
