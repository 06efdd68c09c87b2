"""Finds what happened with leads, and queues the messages to whom it concerns.

A worker looks after the fact: no bot waits for it, and only what is committed is told.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone

from contacts.models import Assignment, Contact, Membership, Temperature, who_may_see
from contacts.workflow import SARAH
from monitoring.models import LeadEvent, LeadEventKind, LeadMessage, NotificationPreferences

LOOKS_BACK = timedelta(hours=2)
"""What is older when a worker comes back is no news any more."""
AT_ONCE = 200
LAST_PART = 3
"""The time to answer has nearly run out in its last third, but half an hour at most."""
MAX_MARGIN = timedelta(minutes=30)


def find_events(*, now: datetime | None = None) -> int:
    """Queue messages about what happened lately; returns about how many events. Safe to run in
    several workers at once: the database keeps each event once."""
    now = now or timezone.now()
    return sum(_tell(event) for event in list(_news(now)))


def _news(now: datetime) -> Iterator[LeadEvent]:
    since = now - LOOKS_BACK
    leads: Any = Contact.objects.select_related("workspace", "assigned_to")
    hot = leads.filter(handed_over_at__gte=since, handed_over_as=Temperature.HOT).waiting()
    for lead in _untold(hot, LeadEventKind.HANDED_OVER, at="handed_over_at"):
        yield _event(lead, LeadEventKind.HANDED_OVER, lead.handed_over_at)
    late = leads.waiting().filter(answer_by__gt=now, answer_by__lt=now + MAX_MARGIN)
    for lead in _untold(late, LeadEventKind.RUNNING_OUT, at="answer_by"):
        if lead.answer_by < now + _margin(lead):
            yield _event(lead, LeadEventKind.RUNNING_OUT, lead.answer_by)
    back = leads.active_since(since).filter(re_engaged_at__gte=since)
    for lead in _untold(back, LeadEventKind.RE_ENGAGED, at="re_engaged_at"):
        yield _event(lead, LeadEventKind.RE_ENGAGED, lead.re_engaged_at)
    for given in _given_since(since):
        yield _event(given.contact, LeadEventKind.ASSIGNED, given.at, by=given.by)


def _given_since(since: datetime) -> Any:
    """Assignments to somebody else than who assigned. Of a hot lead that Sarah hands over to
    somebody the handoff tells."""
    by_handoff = Q(by=SARAH, contact__handed_over_as=Temperature.HOT)
    given = Assignment.objects.filter(
        at__gte=since, to_name=F("contact__assigned_to__username")
    ).exclude(by_handoff | Q(by=F("to_name")))
    told = LeadEvent.objects.filter(
        contact=OuterRef("contact"), kind=LeadEventKind.ASSIGNED, happened_at=OuterRef("at")
    )
    related = ("contact__workspace", "contact__assigned_to")
    return given.filter(~Exists(told)).select_related(*related).order_by("at")[:AT_ONCE]


def _untold(leads: Any, kind: LeadEventKind, *, at: str) -> Any:
    told = LeadEvent.objects.filter(contact=OuterRef("pk"), kind=kind, happened_at=OuterRef(at))
    return leads.filter(~Exists(told)).order_by(at)[:AT_ONCE]


def _margin(lead: Contact) -> timedelta:
    hot = lead.handed_over_as == Temperature.HOT
    minutes = lead.workspace.hot_minutes if hot else lead.workspace.warm_minutes
    return min(timedelta(minutes=minutes) / LAST_PART, MAX_MARGIN)


def _event(lead: Contact, kind: LeadEventKind, at: Any, *, by: str = "") -> LeadEvent:
    return LeadEvent(contact=lead, kind=kind, happened_at=at, by=by)


def _tell(event: LeadEvent) -> bool:
    """Of two workers that found it, the first keeps it and queues the messages."""
    try:
        with transaction.atomic():
            event.save(force_insert=True)
            LeadMessage.objects.bulk_create(
                LeadMessage(event=event, person=person, channel=channel, next_attempt_at=Now())
                for person in _audience(event.contact)
                for channel in NotificationPreferences.of(person).channels_for(event.kind)
            )
    except IntegrityError:  # another worker was faster, or the lead has just been deleted
        return False
    return True


def _audience(lead: Contact) -> list[User]:
    """Whose the lead is, or else the members of its workspace; if it has none, who sees all."""
    if owner := lead.owner_at_work:
        return [owner]
    members = Membership.objects.at_work().filter(workspace=lead.workspace)
    people = [member.user for member in members.select_related("user").order_by("pk")]
    return people or list(who_may_see(lead.workspace).order_by("pk"))
