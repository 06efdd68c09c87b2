"""Bulk actions of staff on leads, in small commits, so that bots do not wait."""

from collections.abc import Iterator

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from contacts.models import AuthorKind, Contact, ContactQuerySet, StatusChange
from contacts.models.standing import SET_BY_BOT
from contacts.workflow import LeadStatus, stamps_of_move

BATCH_SIZE = 500


def change_status(leads: ContactQuerySet, to: str, *, by: str) -> int:
    """Change the status of these leads for a person, each with a history row; returns how many
    changed.

    Writes what `Contact.change()` writes, with three statements per batch instead of two per lead.
    """
    return _move(leads, to, by=by, which=~Q(lead_status=to))


def confirm_status(leads: ContactQuerySet, *, by: str) -> int:
    """Make the word of a person of what a bot said: contacted or converted; returns how many."""
    return sum(
        _move(leads, status, by=by, which=Q(lead_status=status) & SET_BY_BOT)
        for status in (LeadStatus.CONTACTED, LeadStatus.CONVERTED)
    )


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


def _move(leads: ContactQuerySet, to: str, *, by: str, which: Q) -> int:
    return sum(_move_batch(pks, to, by=by, which=which) for pks in batches(leads.filter(which)))


def _move_batch(pks: list[int], to: str, *, by: str, which: Q) -> int:
    now, kind = timezone.now(), AuthorKind.PERSON
    with transaction.atomic():
        # Locked: a bot's message may be moving one of these leads right now. In order: two people
        # may have selected the same leads.
        locked = Contact.objects.select_for_update(no_key=True).order_by("pk")
        before = dict(locked.filter(which, pk__in=pks).values_list("pk", "lead_status"))
        StatusChange.objects.bulk_create(
            StatusChange(contact_id=pk, from_status=status, to=to, by=by, actor_kind=kind, at=now)
            for pk, status in before.items()
        )
        stamps = stamps_of_move(to, by=by, kind=kind, at=now)
        return Contact.objects.filter(pk__in=before).update(
            lead_status=to, updated_at=now, **stamps
        )
