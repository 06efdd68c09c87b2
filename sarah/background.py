"""The guard of the background work: one thing that breaks must not stop the rest."""

import logging
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError

from monitoring.errors import as_failure, frames
from monitoring.kinds import Kind
from monitoring.models import Source, SyncFailure
from sarah.sync import record_failure

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Broken(Exception):
    """The work broke; that is in the log and among the failures."""


def attempt(work: Callable[[], T], *, what: str, state_id: int | None = None) -> T:
    """The result of `work`; raises Broken where it breaks, and the database's own errors where
    that is away: the worker waits until it is back. `what` is for the log, without personal data,
    and keeps the failures of different work apart.
    """
    try:
        return work()
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        logger.error("Broke in the background: %s: %s", what, frames(error))
        record_failure(
            kind=Kind.SYNC_ERROR,
            source=Source.BACKGROUND,
            fingerprint=what,
            state_id=state_id,
            **as_failure(error),
        )
        raise Broken from error


def heal(what: str) -> None:
    """Close the open failure of this work: it has just been done."""
    SyncFailure.objects.filter(source=Source.BACKGROUND, fingerprint=what).heal()
