"""Which failures go first where the log is full: a flood drives out itself."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A failure of the log."""

    pk: int
    worth: int
    """What is worth less goes first."""
    home: str
    """The workspace that it belongs to."""
    sent_with: int | None
    """The key that sent the message, if one did."""
    last_seen_at: datetime


def least_worth(failures: Iterable[Kept], count: int) -> list[int]:
    """Return the primary keys of so many: of those worth least, always the one not seen for longest
    of the workspace that has the most, and there of the key that has the most. Pure."""
    newest_first = sorted(failures, key=lambda one: (one.last_seen_at, one.pk), reverse=True)
    of_key: Counter[object] = Counter()
    ranked: list[tuple[int, Kept]] = []
    for one in newest_first:
        of_key[one.worth, one.home, one.sent_with] += 1
        ranked.append((of_key[one.worth, one.home, one.sent_with], one))
    ranked.sort(key=lambda pair: pair[0])  # stable: of each rank, the newest first
    of_home: Counter[object] = Counter()
    order: list[tuple[int, int, datetime, int]] = []
    for _rank, one in ranked:
        of_home[one.worth, one.home] += 1
        order.append((one.worth, -of_home[one.worth, one.home], one.last_seen_at, one.pk))
    return [pk for *_worth, pk in sorted(order)[:count]]
