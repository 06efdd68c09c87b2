"""Sees to it that nobody whom Sarah handed over is forgotten: each gets an owner and a next step.

By the worker, after the fact: no bot waits for it. Safe to run in several workers at once.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import translation
from django.utils.translation import gettext

from contacts import bulk
from contacts.models import (
    Assignment,
    AuthorKind,
    Contact,
    FollowUp,
    Membership,
    Outcome,
    Workspace,
)
from contacts.models.standing import ENDS
from contacts.worktime import Soon
from leadsync.infra import clock

US = "LeadSync"
AT_ONCE = 200
LATELY = timedelta(days=1)
"""What is older when a worker comes back is left to people."""


def give_waiting(*, stopped: Callable[[], bool] = lambda: False) -> int:
    """Give leads of nobody's that wait for an answer to whose turn it is; returns how many.

    At once where leads go by turns, elsewhere when the time to answer has just run out. Who is
    alone, without any member, takes them all. Not those that a person or a bot took from somebody
    since the handoff: that was a decision.
    """
    return sum(_give(pk) for pk in list(_waiting().values_list("pk", flat=True)) if not stopped())


def _waiting() -> Any:
    now = clock.now()
    since = Assignment.objects.filter(contact=OuterRef("pk"), at__gte=OuterRef("handed_over_at"))
    decided = since.exclude(actor_kind=AuthorKind.SYSTEM)
    members = Membership.objects.at_work().filter(workspace=OuterRef("workspace"))
    somebody: Any = Exists(members.filter(takes_leads=True))
    if _who_is_alone():
        somebody |= ~Exists(members)
    is_due = Q(workspace__assigns_by_turns=True) | Q(answer_by__range=(now - LATELY, now))
    nobodys = Contact.objects.waiting().filter(is_due, assigned_to__isnull=True)
    return nobodys.filter(~Exists(decided), somebody).order_by("answer_by")[:AT_ONCE]


@transaction.atomic
def _give(pk: int) -> bool:
    locked = Contact.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    lead = locked.select_related("workspace").filter(pk=pk, assigned_to__isnull=True).first()
    person = lead and _whose_turn(lead.workspace)
    if not (lead and person):
        return False
    return bool(lead.change({"assigned_to": person}, by=US, kind=AuthorKind.SYSTEM))


def _whose_turn(workspace: Workspace) -> User | None:
    if turn := Membership.objects.take_turn(workspace):
        return turn.user
    has_members = Membership.objects.at_work().filter(workspace=workspace).exists()
    return None if has_members else _who_is_alone()


def _who_is_alone() -> User | None:
    """The person who sees all workspaces, if there is only one."""
    people = User.objects.filter(is_superuser=True, is_staff=True, is_active=True)
    return people.first() if people.count() == 1 else None


def free_of_the_gone(*, stopped: Callable[[], bool] = lambda: False) -> int:
    """Let the open leads of who may not log in any more be nobody's; returns how many."""
    open_leads = Contact.objects.filter(assigned_to=OuterRef("pk")).exclude(lead_status__in=ENDS)
    is_gone = Q(is_active=False) | Q(is_staff=False)
    gone = User.objects.filter(is_gone, Exists(open_leads)).order_by("pk")
    return sum(free(person) for person in gone if not stopped())


def free(person: User) -> int:
    """Let the open leads and next steps of this person be nobody's; returns how many leads."""
    leads = Contact.objects.filter(assigned_to=person).exclude(lead_status__in=ENDS)
    freed = bulk.assign(leads, None, by=US, kind=AuthorKind.SYSTEM)
    FollowUp.objects.open().filter(assigned_to=person).update(assigned_to=None)
    return freed.moved


def plan_next_steps(*, stopped: Callable[[], bool] = lambda: False) -> int:
    """Plan to contact again, in three days, who was handed over lately and for whom nobody has
    planned anything since; returns how many. Drop that of who is won or archived by now."""
    ours = FollowUp.objects.open().filter(created_by_kind=AuthorKind.SYSTEM)
    ours.filter(contact__lead_status__in=ENDS).close(Outcome.DROPPED, by=US)
    return sum(_plan(lead) for lead in list(_without_a_step()) if not stopped())


def _without_a_step() -> Any:
    is_known = Q(closed_at__isnull=True) | Q(created_at__gte=OuterRef("handed_over_at"))
    known = FollowUp.objects.filter(is_known, contact=OuterRef("pk"))
    lately = Contact.objects.filter(
        handed_over_at__gte=clock.now() - LATELY, workspace__plans_next_steps=True
    )
    open_leads = lately.exclude(lead_status__in=ENDS)
    return open_leads.filter(~Exists(known)).select_related("workspace")[:AT_ONCE]


@transaction.atomic
def _plan(lead: Contact) -> bool:
    # Locked: a person may be planning right now.
    locked = Contact.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=lead.pk)
    if not locked or FollowUp.objects.open().filter(contact=lead).exists():
        return False
    with translation.override(lead.workspace.language):
        text = gettext("Contact again")
    due_at = lead.workspace.work_time.soon(Soon.IN_3_DAYS, clock.now())
    FollowUp.objects.plan(lead, text=text, due_at=due_at, by=US, kind=AuthorKind.SYSTEM)
    return True
