"""The table of conversations: what the database enforces, and what it finds by an index."""

from django.db import models
from django.db.models import Q

from contacts.addresses import BSUID
from contacts.models import E164, MAX_SCORE, Language, Temperature
from sarah.models.choices import ConversationState, SyncReason

CONSTRAINTS = [
    models.UniqueConstraint(
        # Without a condition, so that its index also finds a phone in any workspace.
        fields=["contact_phone", "workspace"],
        name="sarah_state_is_unique_in_its_workspace",
    ),
    models.UniqueConstraint(
        fields=["contact_phone", "workspace_ref"],
        condition=Q(workspace__isnull=True),
        name="sarah_state_is_unique_while_unresolved",
    ),
    models.CheckConstraint(
        condition=Q(workspace__isnull=True) | Q(workspace_ref=""),
        name="sarah_state_ref_is_blank_once_resolved",
    ),
    models.UniqueConstraint(
        fields=["business_scoped_user_id", "workspace"],
        condition=Q(business_scoped_user_id__isnull=False),
        name="sarah_state_user_id_is_unique_in_its_workspace",
    ),
    models.UniqueConstraint(
        fields=["business_scoped_user_id", "workspace_ref"],
        condition=Q(workspace__isnull=True, business_scoped_user_id__isnull=False),
        name="sarah_state_user_id_is_unique_while_unresolved",
    ),
    models.CheckConstraint(
        condition=Q(contact_phone__isnull=True) | Q(contact_phone__regex=E164),
        name="sarah_state_phone_is_e164",
    ),
    models.CheckConstraint(
        condition=Q(business_scoped_user_id__isnull=True) | Q(business_scoped_user_id__regex=BSUID),
        name="sarah_state_user_id_is_whatsapps",
    ),
    models.CheckConstraint(
        condition=Q(contact_phone__isnull=False) | Q(business_scoped_user_id__isnull=False),
        name="sarah_state_has_a_phone_or_a_user_id",
    ),
    models.CheckConstraint(
        condition=Q(state__in=ConversationState.values), name="sarah_state_state_is_known"
    ),
    models.CheckConstraint(
        condition=Q(lead_score__range=(0, MAX_SCORE)),
        name="sarah_state_score_is_between_0_and_100",
    ),
    models.CheckConstraint(
        condition=Q(lead_temperature__in=Temperature.values),
        name="sarah_state_temperature_is_known",
    ),
    models.CheckConstraint(
        condition=Q(language__in=Language.values), name="sarah_state_language_is_known"
    ),
    models.CheckConstraint(
        condition=Q(sync_reason="") | Q(synced_at__isnull=True, sync_reason__in=SyncReason.values),
        name="sarah_state_reason_only_while_out_of_sync",
    ),
]
INDEXES = [
    # "Which conversations did Sarah have last?" (the admin's first page)
    models.Index(fields=["-updated_at"], name="sarah_state_by_activity"),
    # "Which failed syncs are due?"
    models.Index(
        fields=["next_sync_at"],
        condition=Q(next_sync_at__isnull=False),
        name="sarah_state_due",
    ),
    # "What is out of sync, and why?"
    models.Index(
        fields=["sync_reason", "id"],
        condition=Q(synced_at__isnull=True),
        name="sarah_state_out_of_sync",
    ),
    # "Which conversations wait for this workspace?"
    models.Index(
        fields=["workspace_ref"],
        condition=Q(workspace__isnull=True),
        name="sarah_state_unresolved",
    ),
]
