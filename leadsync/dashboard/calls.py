"""What somebody who sells does today: whom to call, what is due, and who is new."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from contacts.admin.desk.tabs import hot
from contacts.models import FollowUp
from contacts.today import Entry, whom_to_call
from leadsync.admin.filters import day_start
from leadsync.admin.html import ago, list_url, temperature_pill
from leadsync.dashboard.numbers import Number
from leadsync.dashboard.scope import Scope
from leadsync.infra.db import capped_counts

FIRST, SHOWN = 5, 5
CALLS_REMEMBERED_SECONDS = 15
A_MONTH = timedelta(days=30)
LEADS = "contacts_contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A lead to call."""

    lead: Any
    why: str
    url: str
    chat_url: str
    temperature: SafeString


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Whom to call: the first few, and how many there are."""

    first: list[Entry]
    count: int
    are_mine: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    text: str
    lead: Any
    url: str
    when: str
    is_late: bool


def call_section(scope: Scope) -> dict[str, Any]:
    """Whom to call: the person's own leads, or everybody's if none of theirs waits."""
    found = _found(scope)
    whose = {"whose": "me"} if found.are_mine else {}
    return {
        "calls": [_call(entry) for entry in found.first],
        "calls_total": Number(
            count=found.count, url=list_url(LEADS, tab="today", **whose, **scope.filters)
        ),
        "calls_are_mine": found.are_mine,
        "due": [_step(step) for step in _due(scope)[:SHOWN]],
        "fresh": _fresh(scope),
    }


def _found(scope: Scope) -> Calls:
    """Whom to call; of many leads, remembered a moment."""
    if not scope.is_large:
        return _read(scope)
    key = f"leadsync.home.calls.{scope.user.pk}.{scope.key}"
    found: Calls | None = cache.get(key)
    if found is None:
        found = _read(scope)
        cache.set(key, found, CALLS_REMEMBERED_SECONDS)
    return found


def _read(scope: Scope) -> Calls:
    asked = {"now": timezone.now(), "workspace": scope.workspace, "seen_by": scope.user}
    mine = whom_to_call(**asked, person=scope.user)
    entries = mine or whom_to_call(**asked)
    return Calls(are_mine=bool(mine), count=len(entries), first=entries[:FIRST])


def todo_section(scope: Scope) -> dict[str, Any]:
    """The numbers of the sentence at the top."""
    leads = scope.leads()
    numbers = [
        (leads.overdue(), _("waited too long for an answer"), {"clock": "overdue"}, True),
        (leads.waiting(), _("wait for an answer"), {"clock": "running"}, False),
        (hot(leads), _("are hot"), {"hot": "yes"}, False),
        (
            leads.added_since(timezone.now() - A_MONTH).filter(assigned_to__isnull=True),
            _("have no owner (new in 30 days)"),
            {"assigned": "nobody", "added": "30d"},
            False,
        ),
    ]

    counts = scope.remembered("todo", partial(capped_counts, *(rows for rows, *_rest in numbers)))
    return {
        "todo": [
            Number(
                label=label,
                count=n,
                url=list_url(LEADS, **filters, **scope.filters),
                is_alarming=is_alarming and n > 0,
            )
            for n, (_rows, label, filters, is_alarming) in zip(counts, numbers, strict=True)
            if n
        ]
    }


def _call(entry: Entry) -> Call:
    lead = entry.lead
    return Call(
        lead=lead,
        why=entry.why,
        url=reverse("admin:contacts_contact_change", args=[lead.pk]),
        chat_url=reverse("admin:contacts_contact_open_chat", args=[lead.pk]) if lead.phone else "",
        temperature=temperature_pill(lead.lead_temperature),
    )


def _due(scope: Scope) -> Any:
    """Steps of this person, or of nobody, that are due before tomorrow."""
    tomorrow = day_start(-1)
    seen = FollowUp.objects.visible_to(scope.user).due_before(tomorrow)
    here = scope.within(seen, "contact__workspace")
    mine = here.filter(assigned_to=scope.user)
    return mine.select_related("contact").order_by("due_at")


def _step(step: FollowUp) -> Step:
    return Step(
        text=step.text,
        lead=step.contact,
        url=reverse("admin:contacts_contact_change", args=[step.contact_id]),
        when=timezone.localtime(step.due_at).strftime("%H:%M") if _is_today(step) else "",
        is_late=step.due_at < timezone.now(),
    )


def _is_today(step: FollowUp) -> bool:
    return not step.is_all_day and step.due_at >= day_start()


def _fresh(scope: Scope) -> list[dict[str, Any]]:
    """The newest leads that nobody looks after."""
    since = timezone.now() - timedelta(days=7)
    leads = scope.leads().added_since(since).filter(assigned_to__isnull=True)
    return [
        {
            "lead": lead,
            "url": reverse("admin:contacts_contact_change", args=[lead.pk]),
            "when": ago(lead.created_at),
            "temperature": temperature_pill(lead.lead_temperature),
        }
        for lead in leads.order_by("-created_at", "-pk")[:SHOWN]
    ]
