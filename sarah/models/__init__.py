"""Conversations, which are also the queue of the sync, and their messages."""

from sarah.models.messages import Outcome, StateUpdate, StateUpdateQuerySet
from sarah.models.states import MAX_COUNT, ConversationState, SarahState, SarahStateQuerySet
from sarah.models.sync_state import WAITING, SyncReason

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
