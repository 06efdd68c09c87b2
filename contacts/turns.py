"""Gives leads that were handed over by turns, where nobody could take them at once."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef

from contacts.models import Assignment, AuthorKind, Contact, Membership

US = "LeadSync"
AT_ONCE = 200


def give_waiting(*, stopped: Callable[[], bool] = lambda: False) -> int:
    """Give them to whose turn it is; returns how many. Safe to run in several workers at once.

    Not those that a person took from somebody since the handoff: that was a decision.
    """
    return sum(_give(pk) for pk in list(_waiting().values_list("pk", flat=True)) if not stopped())


def _waiting() -> Any:
    since = Assignment.objects.filter(contact=OuterRef("pk"), at__gte=OuterRef("handed_over_at"))
    takers = Membership.objects.at_work().filter(workspace=OuterRef("workspace"), takes_leads=True)
    nobodys = Contact.objects.waiting().filter(
        assigned_to__isnull=True, workspace__assigns_by_turns=True
    )
    return nobodys.filter(~Exists(since), Exists(takers)).order_by("answer_by")[:AT_ONCE]


@transaction.atomic
def _give(pk: int) -> bool:
    locked = Contact.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
    lead = locked.select_related("workspace").filter(pk=pk, assigned_to__isnull=True).first()
    turn = lead and Membership.objects.take_turn(lead.workspace)
    if not (lead and turn):
        return False
    return bool(lead.change({"assigned_to": turn.user}, by=US, kind=AuthorKind.SYSTEM))
