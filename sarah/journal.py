"""The journal's rows: a message as it arrived, what it changed, and what came of it."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.utils import timezone

from contacts.models import Workspace
from leadsync.infra.db import raise_if_transaction_is_lost
from leadsync.infra.requests import request_id
from leadsync.infra.waits import heed_deadline
from leadsync.infra.writes import as_one_statement
from monitoring.errors import frames
from sarah.models import Outcome, SarahState, StateUpdate
from sarah.reading import Message
from sarah.sync import SyncResult

logger = logging.getLogger(__name__)

MAX_VALUE = 500
"""The longest value in `changes`, in characters; the body as sent stands beside them."""

Changes = dict[str, tuple[object, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message as it arrived; `raw` is the body as sent, `id` is ours."""

    message: Message
    raw: bytes
    started: float
    """When its request began (`time.perf_counter()`)."""
    key_workspace: Workspace | None = None
    key_id: int | None = None
    client_address: str | None = None
    at: datetime = field(default_factory=timezone.now)
    id: UUID = field(default_factory=uuid4)
    was_stored: bool = False
    """Whether it waited in the spool, so that others may have come in before it."""


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


def entry_of(
    state: SarahState,
    result: SyncResult,
    arrival: Arrival,
    *,
    before: Mapping[str, object],
    warnings: dict[str, str],
) -> StateUpdate:
    """Return the journal row: the message, what it changed (`before`: old values of the fields that
    it wrote), and the result of its sync."""
    return StateUpdate(
        state=state,
        message_id=arrival.id,
        received_at=arrival.at,
        key_id=arrival.key_id,
        client_address=arrival.client_address,
        body=arrival.raw.decode("utf-8", "replace").replace("\x00", ""),
        changes=changes_of(before, {name: getattr(state, name) for name in before}),
        lead_score=state.lead_score,
        outcome=(result.reason or Outcome.SYNCED).value,
        failure_group_id=result.cause_id,
        warnings=warnings,
        duration_ms=round((time.perf_counter() - arrival.started) * 1000),
        request_id=request_id.get(),
    )


def add(entry: StateUpdate, *, is_guarded: bool) -> None:
    """Insert the journal row. Guarded: a failure is logged and costs no message."""
    if not is_guarded:
        entry.save(force_insert=True)
        return
    try:
        with transaction.atomic():
            heed_deadline()
            with as_one_statement():
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
