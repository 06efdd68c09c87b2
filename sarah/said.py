"""What Sarah says of leads that do not know it yet, because the conversation is not synced."""

from collections.abc import Sequence
from typing import Any

from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from contacts.models import HOT_SCORE, Contact, Temperature
from sarah.models import SarahState, SarahStateQuerySet
from sarah.models.choices import SyncReason

MOST = 1000


def not_synced() -> SarahStateQuerySet:
    """The conversations that should have reached a lead and have not; an index finds them."""
    unsynced = SarahState.objects.filter(synced_at__isnull=True)
    return unsynced.exclude(sync_reason=SyncReason.EXCLUDED)


def said_of(leads: Sequence[Contact]) -> dict[int, SarahState]:
    """Return the conversation that each of these leads is behind of, by the lead's key; one
    statement. Some were never linked, because their first sync failed: they have its phone."""
    by_phone = {(lead.phone, lead.workspace_id): lead.pk for lead in leads if lead.phone}
    unlinked = Q(contact__isnull=True, contact_phone__in={phone for phone, _home in by_phone})
    found = not_synced().filter(Q(contact__in=[lead.pk for lead in leads]) | unlinked)
    said: dict[int, SarahState] = {}
    for state in found.order_by("updated_at"):
        lead = state.contact_id or by_phone.get((state.contact_phone, state.workspace_id))
        if lead:
            said[lead] = state
    return said


def said_hot() -> list[int]:
    """Return the keys of the leads that are hot by what Sarah says and do not know it yet."""
    hot = Q(lead_temperature=Temperature.HOT) | Q(lead_score__gte=HOT_SCORE)
    here: Any = Contact.objects.filter(workspace=OuterRef("workspace"))
    unlinked = Subquery(here.filter(phone=OuterRef("contact_phone")).values("pk")[:1])
    behind = not_synced().filter(hot).annotate(whom=Coalesce(F("contact_id"), unlinked))
    return list(behind.exclude(whom=None).values_list("whom", flat=True)[:MOST])
