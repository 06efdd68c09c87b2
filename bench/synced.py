"""Conversations and their leads, in sync, as many as one likes."""

from django.utils import timezone

from bench.load import goals
from contacts.models import Contact, Workspace
from sarah.models import SarahState

BATCH_SIZE = 1_000


def make_synced(numbers: range) -> None:
    """Add a lead for each number, and its conversation, which is in sync with it."""
    workspace = Workspace.objects.get(slug="default")
    for start in range(0, len(numbers), BATCH_SIZE):
        leads = Contact.objects.bulk_create(
            Contact(
                workspace=workspace,
                phone=f"+62812{number:08d}",
                name="Budi Santoso",
                goals=goals(number),
            )
            for number in numbers[start : start + BATCH_SIZE]
        )
        SarahState.objects.bulk_create(_synced(lead) for lead in leads)


def _synced(lead: Contact) -> SarahState:
    return SarahState(
        workspace=lead.workspace,
        contact_phone=lead.phone,
        contact=lead,
        extracted_data={"name": lead.name, "goals": lead.goals},
        updated_at=lead.last_activity_at,
        synced_at=timezone.now(),
    )
