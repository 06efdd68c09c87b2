"""Counts that stop: an exact count of a million rows costs more than the page it stands on."""

from typing import Any

CAP = 10_000
"""Counting stops just past here."""


def capped_count(rows: Any) -> int:
    """How many rows a queryset has, at most one over CAP."""
    return rows.order_by()[: CAP + 1].count()
