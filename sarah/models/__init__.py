"""What the bot said: conversations, which are also the queue of the sync, and their journal."""

from sarah.models.states import (
    MAX_COUNT,
    WAITING,
    ConversationState,
    SarahState,
    SarahStateQuerySet,
    SyncReason,
)
from sarah.models.updates import Outcome, StateUpdate, StateUpdateQuerySet

__all__ = [
    "MAX_COUNT",
    "WAITING",
    "ConversationState",
    "Outcome",
    "SarahState",
    "SarahStateQuerySet",
    "StateUpdate",
    "StateUpdateQuerySet",
    "SyncReason",
]
