"""Believes for a second what hardly ever changes, such as keys: each query less is a tenth of a
message's time."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

SECONDS = 1.0
"""How long a process may believe what has changed meanwhile."""
MAX_KEPT = 1000

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Belief(Generic[K, V]):
    """What `read` returned for each argument lately. That there is nothing is never believed."""

    def __init__(self, read: Callable[[K], V | None]) -> None:
        self.read = read
        self.kept: dict[K, tuple[V, float]] = {}

    def __call__(self, key: K) -> V | None:
        now = time.monotonic()
        value, until = self.kept.get(key, (None, 0.0))
        if now < until:
            return value
        found = self.read(key)
        if len(self.kept) >= MAX_KEPT:
            self.kept.clear()
        if found is None:
            self.kept.pop(key, None)
        else:
            self.kept[key] = found, now + SECONDS
        return found
