"""Models of conversations, of the queue of their syncs, and of their messages."""

from sarah.models.messages import NOT_COUNTED, Outcome, StateUpdate, StateUpdateQuerySet
from sarah.models.reasons import WAITING, SyncReason
from sarah.models.states import MAX_COUNT, ConversationState, SarahState, SarahStateQuerySet

__all__ = [
    "MAX_COUNT",
    "NOT_COUNTED",
    "WAITING",
    "ConversationState",
    "Outcome",
    "SarahState",
    "SarahStateQuerySet",
    "StateUpdate",
    "StateUpdateQuerySet",
    "SyncReason",
]
