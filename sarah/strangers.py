"""Adds people who wrote to Sarah and are no leads yet, at a person's word."""

from contacts.models import Contact
from leadsync.infra.db import CAP, batches
from sarah.models import SarahState, SarahStateQuerySet
from sarah.retry import Retried, retry_soon

NEEDED = ("contact_phone", "business_scoped_user_id", "workspace_id", "updated_at")
ADDED_BY_HAND = "sarah, by hand"
"""The `source` of these leads: they do not use up the quota of unknown numbers."""


def add_all(strangers: SarahStateQuerySet, *, by: str) -> Retried:
    """Add these people as leads, on behalf of `by`, and sync what Sarah knows of them.

    All leads are there at once, at most 10,000 in small commits: bots do not wait. As many are
    synced as `by` can be made to wait for, the others by the worker.
    """
    known = strangers.filter(workspace__isnull=False).order_by("pk")
    found = list(known.only(*NEEDED)[:CAP])
    for batch in batches(found):
        leads = [
            Contact(
                phone=state.contact_phone,
                business_scoped_user_id=state.business_scoped_user_id,
                workspace_id=state.workspace_id,
                source=ADDED_BY_HAND,
                last_activity_at=state.updated_at,
            )
            for state in batch
        ]
        # Somebody else, or the bot, may be adding one of them right now.
        Contact.objects.bulk_create(leads, ignore_conflicts=True)
    return retry_soon(SarahState.objects.filter(pk__in=[state.pk for state in found]), by=by)
