"""Conversations with Sarah in the admin."""

from sarah.admin.conversations import SarahStateAdmin

__all__ = ["SarahStateAdmin"]
