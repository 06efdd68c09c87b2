"""The tabs of the list of leads, and how many each has."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Value
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat, StrIndex
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.admin.desk.columns import NEXT_STEP, with_open_step
from contacts.models import ContactQuerySet, Workspace
from contacts.today import Entry, how_many_to_call, whom_to_call
from contacts.workflow import LeadStatus
from leadsync.admin.filters import row_id
from leadsync.infra.db import capped_counts, shown_count
from monitoring.health.parts import Parts
from sarah.said import said_hot

ALL, TODAY = "all", "today"
WORKSPACE = "workspace__id__exact"
MOST = 1000
"""Counting stops there: a tab need not tell thousands apart."""
SECONDS = 10
"""How long a count, or what an index of conversations found, is remembered."""

PATIENCE = 0.5
"""Seconds: a page does not wait longer for its tabs' numbers."""

Question = Callable[[ContactQuerySet, HttpRequest], ContactQuerySet]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    title: Any
    ask: Question
    order: str = "-activity"


def hot(leads: ContactQuerySet) -> ContactQuerySet:
    """Leads to call first, by what they know or by what Sarah says and they do not know yet."""
    return leads.hot(also=cache.get_or_set("contacts.desk.said_hot", said_hot, SECONDS) or [])


def mine(leads: ContactQuerySet, request: HttpRequest) -> ContactQuerySet:
    return leads.filter(assigned_to=request.user.pk).exclude(lead_status=LeadStatus.ARCHIVED)


def today(leads: ContactQuerySet, request: HttpRequest) -> ContactQuerySet:
    """Whom to call, in the order of `contacts/today.py`."""
    keys = list(entries_of(request))
    place = StrIndex(
        Value("".join(f",{key}" for key in [*keys, ""])),
        Concat(Value(","), Cast("pk", CharField()), Value(",")),
    )
    return leads.filter(pk__in=keys).annotate(place=place)


def entries_of(request: HttpRequest) -> dict[int, Entry]:
    """Return whom to call by the lead's key, in order; asked once in a request."""
    known: dict[int, Entry] | None = getattr(request, "_to_call", None)
    if known is None:
        known = {entry.lead.pk: entry for entry in whom_to_call(**_asked(request))}
        request._to_call = known  # type: ignore[attr-defined]
        cache.set(_key(request, TODAY), len(known), SECONDS)
    return known


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Whom today's leads are asked of."""
    user = cast(User, request.user)
    person = user if request.GET.get("whose") == "me" else None
    home = row_id(request.GET.get(WORKSPACE))
    chosen = Workspace.objects.filter(pk=home).first() if home else None
    return {"now": timezone.now(), "workspace": chosen, "person": person, "seen_by": user}


TABS: dict[str, Tab] = {
    TODAY: Tab(title=_("Today"), ask=today, order="place"),
    "mine": Tab(title=_("Mine"), ask=mine),
    "hot": Tab(title=_("Hot"), ask=lambda leads, _request: hot(leads)),
    "follow-up": Tab(
        title=_("Follow-up"), ask=lambda leads, _request: with_open_step(leads), order=NEXT_STEP
    ),
    "new": Tab(
        title=_("New"), ask=lambda leads, _request: leads.filter(lead_status=LeadStatus.NEW)
    ),
    "re-engaged": Tab(title=_("Re-engaged"), ask=lambda leads, _request: leads.re_engaged()),
    ALL: Tab(title=_("All"), ask=lambda leads, _request: leads),
}
COUNTED = [name for name in TABS if name not in (TODAY, ALL)]


def counts(leads: ContactQuerySet, request: HttpRequest) -> dict[str, str]:
    """Count the leads of the tabs: one statement, remembered for some seconds; and how many are to
    be called today, which are few."""
    count = partial(_count, leads, request)
    parts = Parts(seconds=PATIENCE)
    read = partial(parts.read, "counts of leads", count, {})
    found = cache.get_or_set(_key(request, "counts"), read, SECONDS)
    count_calls = partial(_count_calls, request)
    to_call = cache.get_or_set(_key(request, TODAY), count_calls, SECONDS)
    return {
        name: shown_up_to_most(count or 0)
        for name, count in {**(found or {}), TODAY: to_call}.items()
    }


def _count(leads: ContactQuerySet, request: HttpRequest) -> dict[str, int]:
    asked = (TABS[name].ask(leads, request) for name in COUNTED)
    return dict(zip(COUNTED, capped_counts(*asked, most=MOST), strict=True))


def _count_calls(request: HttpRequest) -> int:
    known: dict[int, Entry] | None = getattr(request, "_to_call", None)
    return how_many_to_call(**_asked(request)) if known is None else len(known)


def forget_counts(request: HttpRequest) -> None:
    """A person has just changed leads, and looks at them."""
    cache.delete_many([_key(request, "counts"), _key(request, TODAY)])


def shown_up_to_most(count: int) -> str:
    return shown_count(count) if count <= MOST else f"{shown_count(MOST)}+"


def _key(request: HttpRequest, what: str) -> str:
    asked = (request.GET.get("whose", ""), request.GET.get(WORKSPACE, ""))
    shown = "".join(one[:18] for one in asked) if what == TODAY else ""
    return f"contacts.desk.{what}.{request.user.pk}.{shown.encode().hex()}"
