"""Which conversations may heal when a lead or a workspace is saved; each question has its index."""

from collections.abc import Iterator

from django.db.models import Q

from contacts.models import Contact, Workspace
from sarah.addressing import is_the_only
from sarah.models import WAITING, SarahState, SarahStateQuerySet, SyncReason


def for_contacts(contacts: list[Contact]) -> SarahStateQuerySet:
    """Those that wait for one of these leads, were excluded, or have lost it."""
    workspaces = {contact.workspace_id for contact in contacts}
    here = Q(contact_phone__in=[contact.phone for contact in contacts]) & (
        Q(workspace__isnull=True, workspace_ref="") | Q(workspace__in=workspaces)
    )
    lead_is_gone = Q(contact__isnull=True, sync_reason="")
    return SarahState.objects.filter(
        here, lead_is_gone | Q(sync_reason__in=[*WAITING, SyncReason.EXCLUDED])
    )


def for_workspace(workspace: Workspace) -> Iterator[SarahStateQuerySet]:
    """Those that wait for this workspace, or whose phone became or was one of its test numbers.

    Several small questions: one that holds them all could use no index, and would read a million
    conversations for each workspace that is saved.
    """
    refs = [workspace.slug, workspace.kapso_phone_number_id or workspace.slug]
    if is_the_only(workspace):
        refs.append("")
    yield SarahState.objects.filter(
        workspace__isnull=True, workspace_ref__in=refs, sync_reason__in=WAITING
    )
    here = SarahState.objects.filter(workspace=workspace)
    is_test = Q(contact_phone__in=workspace.test_numbers)
    yield here.filter(is_test).exclude(sync_reason=SyncReason.EXCLUDED)
    yield here.excluded().exclude(is_test).exclude(contact__opted_out=True)


def for_its_turn(workspace: Workspace) -> SarahStateQuerySet:
    """Those that become leads as soon as this workspace may create some."""
    unknown = SarahState.objects.out_of_sync().filter(
        workspace=workspace, synced_at__isnull=True, sync_reason=SyncReason.CONTACT_NOT_FOUND
    )
    return unknown if workspace.creates_contacts else unknown.none()
