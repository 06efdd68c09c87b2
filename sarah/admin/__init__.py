"""Admin pages of conversations and messages."""

from sarah.admin.conversations import SarahStateAdmin
from sarah.admin.updates import StateUpdateAdmin

__all__ = ["SarahStateAdmin", "StateUpdateAdmin"]
