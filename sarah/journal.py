"""The journal's pen: writes down each accepted message, and never costs one."""

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from monitoring.errors import frames
from monitoring.request_ids import request_id
from sarah.models import Outcome, SarahState, StateUpdate
from sarah.sync import raise_if_transaction_is_lost

logger = logging.getLogger(__name__)

MAX_VALUE = 500
"""Characters of a value before and after; the message itself stands beside them."""

Changes = dict[str, tuple[object, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a message came from, and when its request began (`time.perf_counter()`)."""

    started: float
    key_id: int | None = None
    client_address: str | None = None


def changes_of(before: Mapping[str, object], after: Mapping[str, object]) -> Changes:
    """What differs, by field, before and after; facts by their key. Pure."""
    changes: Changes = {}
    for name, old in before.items():
        new = after[name]
        pairs = {name: (old, new)}
        if isinstance(old, dict) and isinstance(new, dict):
            pairs = {f"{name}.{key}": (old.get(key), new[key]) for key in new}
        changes |= {field: (_cut(a), _cut(b)) for field, (a, b) in pairs.items() if a != b}
    return changes


def write_down(
    state: SarahState,
    *,
    raw: bytes,
    before: Mapping[str, object],
    warnings: dict[str, str],
    origin: Origin,
) -> None:
    """Put a message in the journal, with what it changed (`before`: the old values of the fields
    that it wrote) and what its sync came to; a failure to do so is logged."""
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
                failure_group_id=result.failure_group_id,
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
