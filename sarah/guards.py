"""Guards: run code whose failure must not cost a message or stop other work, and record it.

They raise only when the transaction itself is lost.
"""

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from leadsync.infra.db import LOST, raise_if_transaction_is_lost
from leadsync.infra.waits import heed_deadline
from monitoring.errors import as_failure, frames
from monitoring.kinds import Kind, Source
from monitoring.models.failures import SyncFailure
from monitoring.models.refused import RefusedBody

logger = logging.getLogger(__name__)

T = TypeVar("T")


class JobFailed(Exception):
    """The work failed; the failure is logged and on record."""


def record_failure(
    *,
    kind: str,
    error: str,
    source: str = Source.SARAH,
    refused: RefusedBody | None = None,
    **details: Any,
) -> int | None:
    """Record a failure and return the id of its cause; if even that fails, log it.

    A refused message is kept as well. The log line contains no personal data.
    """
    details |= {"source": source, "kind": kind, "error": error}
    try:
        heed_deadline()
        if refused:
            return RefusedBody.objects.keep(refused, **details)
        return SyncFailure.objects.record(**details)
    except Exception as broken:  # noqa: BLE001 (guard: a broken failure log costs no message)
        raise_if_transaction_is_lost()
        logger.error(
            "A failure of kind %s of conversation %s could not be recorded: %s",
            kind,
            details.get("state_id"),
            frames(broken),
        )
        return None


def run_guarded(
    work: Callable[[], T], *, what: str, source: str = Source.BACKGROUND, **details: Any
) -> T:
    """Run background work and return its result; raises JobFailed if it fails.

    Database outages are raised as they are, because the worker waits until they are over. `what`
    names the work in the log (no personal data) and keeps failures of different work apart.
    """
    try:
        return work()
    except LOST:
        raise
    except Exception as error:
        logger.error("Background work failed: %s: %s", what, frames(error))
        record_failure(
            kind=Kind.SYNC_ERROR,
            source=source,
            fingerprint=what,
            **details,
            **as_failure(error),
        )
        raise JobFailed from error
