"""Guards: a failure in here costs no message and does not stop the rest of the background work.

Each guard records what it caught. Recording raises only if the transaction itself is lost.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from leadsync.infra.db import LOST, raise_if_transaction_is_lost
from monitoring.errors import as_failure, frames
from monitoring.kinds import Kind, Source
from monitoring.models.failures import SyncFailure

logger = logging.getLogger(__name__)

T = TypeVar("T")


class JobFailed(Exception):
    """Background work failed; that is logged and recorded as a failure."""


def record_failure(
    *, kind: str, error: str, source: str = Source.SARAH, **details: Any
) -> int | None:
    """Record a failure and return the id of its cause. If even that fails, log it (without
    personal data) and return None."""
    try:
        return SyncFailure.objects.record(source=source, kind=kind, error=error, **details)
    except Exception as broken:  # noqa: BLE001 (guard: a broken failure log costs no message)
        raise_if_transaction_is_lost()
        logger.error(
            "A failure of kind %s of conversation %s could not be recorded: %s",
            kind,
            details.get("state_id"),
            frames(broken),
        )
        return None


def run_guarded(work: Callable[[], T], *, what: str, state_id: int | None = None) -> T:
    """Run `work` in the background and return its result.

    If it fails, the failure is recorded and JobFailed raised. If the database is away, its own
    error is raised, because the worker waits until it is back. `what` names the work in the log,
    without personal data, and keeps the failures of different work apart.
    """
    try:
        return work()
    except LOST:
        raise
    except Exception as error:
        logger.error("Background work failed: %s: %s", what, frames(error))
        record_failure(
            kind=Kind.SYNC_ERROR,
            source=Source.BACKGROUND,
            fingerprint=what,
            state_id=state_id,
            **as_failure(error),
        )
        raise JobFailed from error
