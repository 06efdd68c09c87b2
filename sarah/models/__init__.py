"""Models of conversations, of the queue of their syncs, and of their messages."""

from sarah.models.choices import WAITING, ConversationState, SyncReason
from sarah.models.deliveries import KapsoDelivery, KapsoDeliveryQuerySet
from sarah.models.feeds import KapsoFeed
from sarah.models.messages import NOT_COUNTED, Outcome, StateUpdate, StateUpdateQuerySet
from sarah.models.states import MAX_COUNT, SarahState, SarahStateQuerySet, of_person
