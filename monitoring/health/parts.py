"""Reads parts of a page one by one: a table that is locked or broken costs only its own part."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import Error

from leadsync.infra.db import is_connected
from leadsync.infra.waits import bounded_read
from monitoring.errors import frames

logger = logging.getLogger(__name__)

T = TypeVar("T")
U = TypeVar("U")


class Parts:
    """Reads parts, in so many seconds for all of them together."""

    def __init__(self, *, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds
        self._unreadable: dict[str, None] = {}

    @property
    def unreadable(self) -> tuple[str, ...]:
        """The names of the parts that could not be read, without repetition."""
        return tuple(self._unreadable)

    def read(self, name: str, query: Callable[[], T], otherwise: U) -> T | U:
        """Return what `query` reads, or `otherwise`. Raises if the database is away."""
        try:
            with bounded_read(self._ends_at - time.monotonic()):
                return query()
        except Error as error:
            if not is_connected():
                raise
            logger.error("The %s cannot be read: %s", name, frames(error))
            self._unreadable[name] = None
            return otherwise
