"""Today: whom to call first, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from itertools import chain
from operator import or_
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q

from contacts.models import HOT, Contact, FollowUp, Standing, Workspace
from contacts.priority import Priority, priority_of
from contacts.why_now import FRESH, Reason, told
from contacts.workflow import LeadStatus

OF_EACH = 100
"""Candidates for each of the five reasons."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    lead: Contact
    reason: Reason
    step: FollowUp | None
    """The next step that is due, if that is the reason."""
    priority: Priority
    now: datetime

    @property
    def why(self) -> str:
        """A sentence."""
        return told(self.reason, self.lead, now=self.now, step=self.step)


def whom_to_call(
    *,
    now: datetime,
    workspace: Workspace | None = None,
    person: User | None = None,
    seen_by: User | None = None,
) -> list[Entry]:
    """Return the leads to call, the most urgent first: of one workspace or of all, of one person or
    of all, as far as `seen_by` may see them. Six statements, however many leads there are."""
    workspaces = {one.pk: one for one in _workspaces(workspace, seen_by)}
    patience = {pk: one.patience for pk, one in workspaces.items()}
    found: dict[int, Entry] = {}
    for reason, rows in _candidates(workspaces.values(), person, now):
        for row in rows:
            step = row if reason == Reason.FOLLOW_UP else None
            lead = step.contact if step else row
            if lead.pk in found:
                continue
            lead.workspace = workspaces[lead.workspace_id]
            priority = _weigh(lead, patience[lead.workspace_id], now)
            found[lead.pk] = Entry(lead=lead, reason=reason, step=step, priority=priority, now=now)
    return sorted(found.values(), key=lambda entry: (-entry.priority.total, entry.lead.pk))


def how_many_to_call(
    *,
    now: datetime,
    workspace: Workspace | None = None,
    person: User | None = None,
    seen_by: User | None = None,
) -> int:
    """Return how many leads `whom_to_call` returns."""
    candidates = _candidates(_workspaces(workspace, seen_by), person, now)
    keys = [
        rows.values_list("contact" if reason == Reason.FOLLOW_UP else "pk", flat=True)
        for reason, rows in candidates
    ]
    return len({*chain(*keys)})


def _workspaces(only: Workspace | None, seen_by: User | None) -> Iterable[Workspace]:
    workspaces = Workspace.objects.visible_to(seen_by) if seen_by else Workspace.objects.all()
    return workspaces.filter(pk=only.pk) if only else workspaces


def _candidates(
    workspaces: Iterable[Workspace], person: User | None, now: datetime
) -> Iterator[tuple[Reason, Any]]:
    """For each reason at most 100 leads, or next steps, by indexes that begin with the
    workspace."""
    quiet_days = {one.pk: one.quiet_days for one in workspaces}
    mine = {"assigned_to": person} if person else {}
    leads: Any = Contact.objects.select_related("assigned_to").filter(
        workspace__in=[*quiet_days], **mine
    )
    active = leads.filter(last_activity_at__gte=now - FRESH).order_by("-last_activity_at")
    quiet = leads.filter(_is_quiet(quiet_days, now), lead_status=LeadStatus.QUALIFIED)
    due = FollowUp.objects.due_before(now).filter(contact__workspace__in=[*quiet_days], **mine)
    candidates = {
        Reason.OVERDUE: leads.overdue().order_by("answer_by"),
        Reason.FOLLOW_UP: due.select_related("contact__assigned_to").order_by("due_at"),
        Reason.HANDED_OVER: active.standing(Standing.HANDED_OVER).filter(HOT),
        Reason.RE_ENGAGED: active.re_engaged(),
        Reason.QUIET: quiet.order_by("-last_activity_at"),
    }
    for reason, rows in candidates.items():
        yield reason, rows[:OF_EACH]


def _is_quiet(quiet_days: Mapping[int, int], now: datetime) -> Q:
    """Each workspace says for how long that is."""
    longest = [
        Q(workspace__in=[pk for pk, of_it in quiet_days.items() if of_it == days])
        & Q(last_activity_at__lt=now - timedelta(days=days))
        for days in {*quiet_days.values()}
    ]
    return reduce(or_, longest, Q(pk__in=[]))


def _weigh(lead: Contact, patience: Mapping[str, timedelta], now: datetime) -> Priority:
    return priority_of(
        score=lead.lead_score,
        status=lead.lead_status,
        last_contact_at=lead.last_contact_at,
        last_activity_at=lead.last_activity_at,
        urgency_level=lead.urgency_level,
        texts=" ".join([lead.goals, *map(str, lead.pain_points)]),
        patience=patience,
        now=now,
    )
