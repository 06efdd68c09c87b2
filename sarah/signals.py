"""The three signal receivers of LeadSync: saving a conversation, a lead or a workspace syncs."""

from collections.abc import Iterable

from django.db.models.signals import post_save

from contacts.models import Contact, Workspace
from sarah import retry
from sarah.models import SarahState
from sarah.sync import guarded_sync


def sync_saved_state(instance: SarahState, raw: bool, **kwargs: object) -> None:
    if not raw:
        instance.sync_result = guarded_sync(instance)


def heal_for_contact(
    instance: Contact, raw: bool, update_fields: Iterable[str] | None, **kwargs: object
) -> None:
    if not raw:
        retry.heal_later(instance, update_fields)


def heal_for_workspace(
    instance: Workspace, raw: bool, update_fields: Iterable[str] | None, **kwargs: object
) -> None:
    if not raw:
        retry.heal_later(instance, update_fields)


def connect() -> None:
    for receiver, sender in (
        (sync_saved_state, SarahState),
        (heal_for_contact, Contact),
        (heal_for_workspace, Workspace),
    ):
        post_save.connect(receiver, sender=sender, dispatch_uid=receiver.__name__)
