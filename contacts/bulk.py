"""Bulk actions of staff on leads, in small commits, so that bots do not wait."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet

from contacts.models import (
    Assignment,
    AuthorKind,
    Contact,
    ContactQuerySet,
    FollowUp,
    StatusChange,
    Workspace,
)
from contacts.models.clocks import STOPPED, stopping
from contacts.models.standing import ENDS, SET_BY_BOT
from contacts.workflow import (
    STAMPS,
    UNSAID,
    LeadStatus,
    Why,
    kept_stamps,
    restored_stamps,
    stamps_of_move,
    statuses_before,
)
from leadsync.infra import clock

BATCH_SIZE = 500
SAME_IN_ALL = ("to", "by", "actor_kind", "reason", "archive_reason")
"""What the history rows of one action have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """How many leads moved (or went to somebody else), and how many may not; the others were there
    already."""

    moved: int
    refused: int
    refused_from: Mapping[str, int] = field(default_factory=dict)
    """The refused by their status."""


def change_status(
    leads: ContactQuerySet,
    to: str,
    *,
    by: str,
    kind: AuthorKind = AuthorKind.PERSON,
    why: Why = UNSAID,
) -> Moved:
    """Change the status of those of these leads that may move so, each with a history row.

    Writes what `Contact.change()` writes, with three statements per batch instead of two per lead.
    """
    why.check(to)
    from_statuses = statuses_before(to, kind=kind, forced=why.forced)
    others = leads.exclude(lead_status__in=[*from_statuses, to]).order_by()
    refused = dict(others.values_list("lead_status").annotate(Count("pk")))
    row = StatusChange(to=to, by=by, actor_kind=kind, reason=why.text)
    row.archive_reason = why.archived if to == LeadStatus.ARCHIVED else ""
    which = Q(lead_status__in=from_statuses)
    moved = _move(leads, row, which=which)
    return Moved(moved=moved, refused=sum(refused.values()), refused_from=refused)


def undo_moves(leads: ContactQuerySet, *, by: str) -> int:
    """Take back the last move of each of these leads, where this person made it just now; returns
    how many."""
    return sum(_undo_batch(pks, by=by) for pks in batches(leads))


def confirm_status(leads: ContactQuerySet, *, by: str) -> int:
    """Make the word of a person of what a bot said: contacted or converted; returns how many."""
    return sum(
        _move(
            leads,
            StatusChange(to=status, by=by, actor_kind=AuthorKind.PERSON),
            which=Q(lead_status=status) & SET_BY_BOT,
        )
        for status in (LeadStatus.CONTACTED, LeadStatus.CONVERTED)
    )


def assign(
    leads: ContactQuerySet, to: User | None, *, by: str, kind: AuthorKind = AuthorKind.PERSON
) -> Moved:
    """Give these leads to a person, or to nobody; refused where the person is no member.

    Writes what `Contact.change()` writes, with five statements per batch.
    """
    theirs = leads if to is None else leads.filter(workspace__in=workplaces_of(to))
    refused = leads.count() - theirs.count()
    others = theirs.exclude(assigned_to=to) if to else theirs.exclude(assigned_to__isnull=True)
    assigned = sum(_assign_batch(pks, to, by=by, kind=kind) for pks in batches(others))
    return Moved(moved=assigned, refused=refused)


def workplaces_of(person: User) -> QuerySet[Workspace]:
    """The workspaces whose leads may be given to this person."""
    if not (person.is_active and person.is_staff):
        return Workspace.objects.none()
    return Workspace.objects.visible_to(person)


def leave(workspace: Workspace, person: User, *, by: str) -> int:
    """Take the open leads and next steps of a workspace from somebody who works there no more;
    returns how many leads are assigned to nobody now."""
    leads = Contact.objects.filter(workspace=workspace)
    freed = assign(leads.filter(assigned_to=person).exclude(lead_status__in=ENDS), None, by=by)
    FollowUp.objects.open().filter(contact__in=leads, assigned_to=person).update(assigned_to=None)
    return freed.moved


def batches(leads: ContactQuerySet) -> Iterator[list[int]]:
    """The primary keys of these leads now, in batches: an action may end a lead's membership."""
    pks = list(leads.order_by("pk").values_list("pk", flat=True))
    return (pks[start : start + BATCH_SIZE] for start in range(0, len(pks), BATCH_SIZE))


def _assign_batch(pks: list[int], to: User | None, *, by: str, kind: AuthorKind) -> int:
    with transaction.atomic():
        # Locked, in order: two people may be giving away the same leads.
        locked = Contact.objects.select_for_update(no_key=True, of=("self",)).order_by("pk")
        leads = [
            lead
            for lead in locked.select_related("assigned_to").filter(pk__in=pks)
            if lead.assigned_to != to
        ]
        Assignment.objects.bulk_create(
            Assignment(
                contact=lead,
                from_name=lead.assigned_to.get_username() if lead.assigned_to else "",
                to_name=to.get_username() if to else "",
                by=by,
                actor_kind=kind,
            )
            for lead in leads
        )
        FollowUp.objects.open().filter(_of_their_owner(leads)).update(assigned_to=to)
        return Contact.objects.filter(pk__in=[lead.pk for lead in leads]).update(assigned_to=to)


def _of_their_owner(leads: list[Contact]) -> Q:
    """The next steps that go along: those of who had the lead, and nobody's."""
    nobodys = Q(assigned_to__isnull=True, contact__assigned_to__isnull=True)
    return Q(contact__in=leads) & (Q(assigned_to=F("contact__assigned_to")) | nobodys)


def _move(leads: ContactQuerySet, row: StatusChange, *, which: Q) -> int:
    return sum(_move_batch(pks, row, which=which) for pks in batches(leads.filter(which)))


def _move_batch(pks: list[int], row: StatusChange, *, which: Q) -> int:
    """Move those of these leads, each with a history row like this one."""
    now, by_person = clock.now(), row.actor_kind == AuthorKind.PERSON
    same = {name: getattr(row, name) for name in SAME_IN_ALL}
    with transaction.atomic():
        # Locked: a bot's message may be moving one of these leads right now. In order: two people
        # may have selected the same leads.
        locked = Contact.objects.select_for_update(no_key=True).order_by("pk")
        before = list(locked.filter(which, pk__in=pks).values("pk", "lead_status", *STAMPS))
        StatusChange.objects.bulk_create(
            StatusChange(
                contact_id=lead["pk"],
                from_status=lead["lead_status"],
                at=now,
                before=kept_stamps(lead) if by_person else None,
                **same,
            )
            for lead in before
        )
        stamps = stamps_of_move(row.to, by=row.by, kind=row.actor_kind, at=now)
        if by_person:
            stamps |= stopping(by=row.by, at=now)
        moved = Contact.objects.filter(pk__in=[lead["pk"] for lead in before])
        return moved.update(lead_status=row.to, **stamps)


def _undo_batch(pks: list[int], *, by: str) -> int:
    with transaction.atomic():
        locked = Contact.objects.select_for_update(no_key=True).order_by("pk")
        leads = locked.in_bulk(pks)
        moves = list(StatusChange.objects.undoable(by=by).filter(contact__in=leads))
        for move in moves:
            _restore(leads[move.contact_id], move)
        undone = [leads[move.contact_id] for move in moves]
        Contact.objects.bulk_update(undone, ["lead_status", *STAMPS])
        StatusChange.objects.filter(pk__in=[move.pk for move in moves]).update(is_undone=True)
        StatusChange.objects.bulk_create(
            StatusChange(
                contact_id=move.contact_id,
                from_status=move.to,
                to=move.from_status,
                by=by,
                actor_kind=AuthorKind.PERSON,
                reason="Undone.",
                is_undone=True,
            )
            for move in moves
        )
    return len(moves)


def _restore(lead: Contact, move: StatusChange) -> None:
    stamps = restored_stamps(move.before or {})
    if lead.last_contact_at != move.at:  # a call was noted since
        stamps.pop("last_contact_at")
    if lead.last_contact_at and lead.last_contact_at > move.at:
        for name in STOPPED:
            stamps.pop(name, None)
    for name, value in stamps.items():
        setattr(lead, name, value)
    lead.lead_status = move.from_status
