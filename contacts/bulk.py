"""Bulk actions of staff on leads, in small commits, so that bots do not wait."""

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from contacts.models import AuthorKind, Contact, ContactQuerySet, StatusChange
from contacts.workflow import stamps_of_move

BATCH_SIZE = 500


def change_status(leads: ContactQuerySet, to: str, *, by: str) -> int:
    """Change the status of these leads for a person, each with a history row; returns how many
    changed.

    Writes what `Contact.change()` writes, with three statements per batch instead of two per lead.
    """
    return sum(_move(pks, to, by=by) for pks in batches(leads.exclude(lead_status=to)))


def assign(leads: ContactQuerySet, to: User) -> int:
    """Assign these leads to a person; returns how many were not assigned to that person before."""
    now = timezone.now()
    return sum(
        Contact.objects.filter(pk__in=pks).update(assigned_to=to, updated_at=now)
        for pks in batches(leads.exclude(assigned_to=to))
    )


def batches(leads: ContactQuerySet) -> Iterator[list[int]]:
    """The primary keys of these leads now, in batches: an action may end a lead's membership."""
    pks = list(leads.order_by("pk").values_list("pk", flat=True))
    return (pks[start : start + BATCH_SIZE] for start in range(0, len(pks), BATCH_SIZE))


def _move(pks: list[int], to: str, *, by: str) -> int:
    now, kind = timezone.now(), AuthorKind.PERSON
    with transaction.atomic():
        # Locked: a bot's message may be moving one of these leads right now. In order: two people
        # may have selected the same leads.
        locked = Contact.objects.select_for_update(no_key=True).order_by("pk")
        before = dict(
            locked.filter(pk__in=pks).exclude(lead_status=to).values_list("pk", "lead_status")
        )
        StatusChange.objects.bulk_create(
            StatusChange(contact_id=pk, from_status=status, to=to, by=by, actor_kind=kind, at=now)
            for pk, status in before.items()
        )
        stamps = stamps_of_move(to, by=by, kind=kind, at=now)
        return Contact.objects.filter(pk__in=before).update(
            lead_status=to, updated_at=now, **stamps
        )
