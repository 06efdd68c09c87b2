"""Today: whom to call first, and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from contacts.models import Contact, FollowUp, Standing, Temperature, Workspace
from contacts.priority import Priority, priority_of
from contacts.why_now import FRESH, Reason, told
from contacts.workflow import LeadStatus

OF_EACH = 100
"""Candidates for each of the five reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    lead: Contact
    reason: Reason
    why: str
    """A sentence."""
    priority: Priority


def whom_to_call(
    *,
    now: datetime,
    workspace: Workspace | None = None,
    person: User | None = None,
    seen_by: User | None = None,
) -> list[Entry]:
    """Return the leads to call, the most urgent first: of one workspace or of all, of one person or
    of all, as far as `seen_by` may see them. Six statements, however many leads there are."""
    workspaces = Workspace.objects.visible_to(seen_by) if seen_by else Workspace.objects.all()
    if workspace:
        workspaces = workspaces.filter(pk=workspace.pk)
    quiet_days = dict(workspaces.values_list("pk", "quiet_days"))
    found: dict[int, Entry] = {}
    for reason, lead, step in _candidates(quiet_days, person, now):
        if lead.pk not in found:
            why = told(reason, lead, now=now, step=step)
            entry = Entry(lead=lead, reason=reason, why=why, priority=_weigh(lead, now))
            found[lead.pk] = entry
    return sorted(found.values(), key=lambda entry: (-entry.priority.total, entry.lead.pk))


def _candidates(
    quiet_days: Mapping[int, int], person: User | None, now: datetime
) -> Iterator[tuple[Reason, Contact, FollowUp | None]]:
    """At most 500, each by an index, which begin with the workspace."""
    workspaces = list(quiet_days)
    here = Q(workspace__in=workspaces)
    mine = Q(assigned_to=person) if person else Q()
    leads: Any = Contact.objects.select_related("workspace", "assigned_to").filter(here)
    for lead in leads.filter(mine).overdue().order_by("answer_by")[:OF_EACH]:
        yield Reason.OVERDUE, lead, None
    for step in _due(workspaces, person, now):
        yield Reason.FOLLOW_UP, step.contact, step
    active = leads.filter(mine, last_activity_at__gte=now - FRESH).order_by("-last_activity_at")
    hot = Q(lead_temperature=Temperature.HOT) | Q(lead_score__gte=70)
    for lead in active.standing(Standing.HANDED_OVER).filter(hot)[:OF_EACH]:
        yield Reason.HANDED_OVER, lead, None
    for lead in active.re_engaged()[:OF_EACH]:
        yield Reason.RE_ENGAGED, lead, None
    quiet = leads.filter(_is_quiet(quiet_days, now), mine, lead_status=LeadStatus.QUALIFIED)
    for lead in quiet.order_by("-last_activity_at")[:OF_EACH]:
        yield Reason.QUIET, lead, None


def _is_quiet(quiet_days: Mapping[int, int], now: datetime) -> Q:
    """Each workspace says for how long that is."""
    longest = [
        Q(workspace__in=[pk for pk, of_it in quiet_days.items() if of_it == days])
        & Q(last_activity_at__lt=now - timedelta(days=days))
        for days in {*quiet_days.values()}
    ]
    return reduce(or_, longest, Q(pk__in=[]))


def _due(workspaces: list[int], person: User | None, now: datetime) -> Any:
    steps = FollowUp.objects.due_before(now).filter(contact__workspace__in=workspaces)
    if person:
        steps = steps.filter(assigned_to=person)
    related = ("contact__workspace", "contact__assigned_to")
    return steps.select_related(*related).order_by("due_at")[:OF_EACH]


def _weigh(lead: Contact, now: datetime) -> Priority:
    return priority_of(
        score=lead.lead_score,
        status=lead.lead_status,
        last_contact_at=lead.last_contact_at,
        last_activity_at=lead.last_activity_at,
        urgency_level=lead.urgency_level,
        texts=" ".join([lead.goals, *map(str, lead.pain_points)]),
        patience=lead.workspace.patience,
        now=now,
    )
