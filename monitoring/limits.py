"""The limits beyond which the sync is not well: health, alerts and their texts share them."""

from datetime import timedelta

RATE_WINDOW = timedelta(minutes=15)
RATE_MINUTES = RATE_WINDOW // timedelta(minutes=1)
MAX_FAILURE_PERCENT = 5
"""Of the messages of RATE_WINDOW, unless the alert settings say otherwise."""
MIN_FAILURES = 5
"""Fewer failures are no rate: at night, one can be a third of three messages."""
LATE = timedelta(minutes=10)
"""A retry that is overdue by more than this is late."""
LATE_MINUTES = LATE // timedelta(minutes=1)
SILENT_AFTER_HOURS = 24
