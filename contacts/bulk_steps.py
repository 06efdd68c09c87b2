"""Notes and next steps on many leads at once, in small commits, so that bots do not wait."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from contacts.bulk import batches
from contacts.models import Contact, ContactQuerySet, FollowUp, Note, Outcome, Workspace
from contacts.models.history import REACHING_OUT
from contacts.worktime import Soon


def write_notes(leads: ContactQuerySet, *, text: str, kind: str, by: str) -> int:
    """Write a person's note on each of these leads; returns on how many."""
    return sum(_note_batch(pks, text=text, kind=kind, by=by) for pks in batches(leads))


def _note_batch(pks: list[int], *, text: str, kind: str, by: str) -> int:
    now = timezone.now()
    with transaction.atomic():
        there = Contact.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
        notes = [
            Note(contact_id=pk, text=text, kind=kind, author=by, created_at=now)
            for pk in there.values_list("pk", flat=True)
        ]
        Note.objects.bulk_create(notes)
        if kind in REACHING_OUT:
            Contact.objects.filter(pk__in=pks).reached_out(by=by, at=now)
    return len(notes)


def plan_steps(
    leads: ContactQuerySet,
    *,
    text: str,
    soon: Soon | None,
    due_at: datetime | None,
    whose: User,
    by: str,
) -> int:
    """Plan a next step for each of these leads, which takes the place of an open one; whose it is:
    the lead's person, or else `whose`. Returns for how many.

    `due_at` is read by the clock of the lead's workspace.
    """
    now, due_in = timezone.now(), dict[int, datetime]()
    for workspace in Workspace.objects.filter(pk__in=leads.order_by().values("workspace")):
        hours = workspace.work_time
        typed = due_at.replace(tzinfo=hours.zone) if due_at else None
        due_in[workspace.pk] = hours.soon(soon, now) if soon else typed or now
    return sum(_plan_batch(pks, text, due_in, whose=whose, by=by) for pks in batches(leads))


def _plan_batch(
    pks: list[int], text: str, due_in: dict[int, datetime], *, whose: User, by: str
) -> int:
    with transaction.atomic():
        # Locked: two people, or a person and a bot, may plan at once.
        locked = Contact.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk")
        there = list(locked.values_list("pk", "workspace", "assigned_to"))
        FollowUp.objects.filter(contact__in=pks).close(Outcome.MOVED, by=by)
        FollowUp.objects.bulk_create(
            FollowUp(
                contact_id=pk,
                text=text,
                due_at=due_in[workspace],
                assigned_to_id=person or whose.pk,
                created_by=by,
            )
            for pk, workspace, person in there
            if workspace in due_in
        )
    return len(there)
