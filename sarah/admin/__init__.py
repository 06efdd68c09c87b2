"""Conversations with Sarah in the admin."""

from sarah.admin.conversations import SarahStateAdmin
from sarah.admin.updates import StateUpdateAdmin

__all__ = ["SarahStateAdmin", "StateUpdateAdmin"]
