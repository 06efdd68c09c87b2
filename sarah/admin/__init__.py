"""Admin pages of conversations, messages and deliveries."""

from sarah.admin.conversations import SarahStateAdmin
from sarah.admin.deliveries import KapsoDeliveryAdmin
from sarah.admin.updates import StateUpdateAdmin
