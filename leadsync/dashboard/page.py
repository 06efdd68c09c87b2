"""The admin's front page: what came in, whom to call, and whether leads and Sarah agree.

Each number is counted by the QuerySet method that its link's list filters with.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact, Temperature
from contacts.workflow import LeadStatus
from leadsync.admin.tools import STATUS_COLOURS, TEMPERATURE_COLOURS, list_url
from leadsync.dashboard import charts
from leadsync.dashboard.message_charts import message_charts
from leadsync.infra.db import CAP, capped_count, shown_count
from monitoring.admin.details import KIND_COLOURS
from monitoring.kinds import Kind
from monitoring.models import SyncFailure
from sarah.models import SarahState

LEADS = "leadsync.dashboard.leads"
REMEMBERED_SECONDS = 30
"""How long the numbers of over CAP leads are remembered; up to CAP they are counted each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number on the page: what it counts, and the list of just these rows."""

    label: object
    count: int
    url: str
    colour: str = ""
    hint: object = ""

    @property
    def shown(self) -> str:
        return shown_count(self.count)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The page's context, with the sections that this person may see."""
    sections: dict[str, Callable[[], dict[str, Any]]] = {
        "contacts.view_contact": lead_section,
        "sarah.view_sarahstate": conversation_section,
        "sarah.view_stateupdate": message_section,
        "monitoring.view_syncfailure": failure_section,
    }
    board: dict[str, Any] = {"headlines": [], "now": timezone.localtime()}
    for permission, section in sections.items():
        if request.user.has_perm(permission):
            found = section()
            board["headlines"] += found.pop("headlines")
            board |= found
    return context | {"board": board}


def lead_section() -> dict[str, Any]:
    numbers = _lead_numbers()
    return {
        "headlines": [
            Number(
                label=_("New leads today"),
                count=numbers["today"],
                url=list_url("contacts_contact", added="today"),
                hint=_("Added since midnight"),
            ),
            Number(
                label=_("New leads in 7 days"),
                count=numbers["week"],
                url=list_url("contacts_contact", added="7d"),
                hint=_("Added in the last 7 days"),
            ),
            Number(
                label=_("Hot leads"),
                count=numbers["hot"],
                url=list_url("contacts_contact", hot="yes"),
                hint=_("Call these first: hot or score 70+, not yet won or archived"),
            ),
        ],
        "has_leads": bool(sum(numbers["by_status"].values())),
        "by_status": [
            Number(
                label=status.label,
                count=numbers["by_status"].get(status, 0),
                url=list_url("contacts_contact", lead_status__exact=status),
                colour=STATUS_COLOURS[status],
            )
            for status in LeadStatus
        ],
        "by_temperature": [
            Number(
                label=temperature.label,
                count=numbers["by_temperature"].get(temperature, 0),
                url=list_url("contacts_contact", lead_temperature__exact=temperature),
                colour=TEMPERATURE_COLOURS[temperature],
            )
            for temperature in Temperature
        ],
        "chart": charts.new_leads(numbers["by_day"]),
        "funnel": charts.funnel(numbers["by_day"]),
    }


def conversation_section() -> dict[str, Any]:
    conversations = SarahState.objects
    out_of_sync = Number(
        label=_("Out of sync"),
        count=capped_count(conversations.out_of_sync()),
        url=list_url("sarah_sarahstate", sync="out"),
        colour="danger",
        hint=_("What Sarah said has not reached a lead"),
    )
    active = Number(
        label=_("Active conversations"),
        count=capped_count(conversations.active_since(timezone.now() - timedelta(hours=24))),
        url=list_url("sarah_sarahstate", active="day"),
        colour="info",
        hint=_("Heard from Sarah in the last 24 hours"),
    )
    in_sync = Number(
        label=_("In sync"),
        count=capped_count(conversations.synced()),
        url=list_url("sarah_sarahstate", sync="in"),
        colour="success",
    )
    excluded = Number(
        label=_("Excluded"),
        count=capped_count(conversations.excluded()),
        url=list_url("sarah_sarahstate", sync="excluded"),
    )
    return {
        "headlines": [active, out_of_sync],
        "conversations": [in_sync, out_of_sync, excluded, active],
    }


def message_section() -> dict[str, Any]:
    return {"headlines": [], "messages": message_charts()}


def failure_section() -> dict[str, Any]:
    by_kind = SyncFailure.objects.open().values_list("kind").annotate(Count("pk")).order_by("kind")
    counts = dict(by_kind)
    opened = Number(
        label=_("Open failures"),
        count=sum(counts.values()),
        url=list_url("monitoring_syncfailure", outcome="open"),
        colour="danger",
        hint=_("Each with advice on what to do"),
    )
    kinds = [
        Number(
            label=kind.label,
            count=counts[kind],
            url=list_url("monitoring_syncfailure", outcome="open", kind__exact=kind),
            colour=KIND_COLOURS[kind],
        )
        for kind in Kind
        if kind in counts
    ]
    return {"headlines": [opened], "failures": {"kinds": kinds}}


def _lead_numbers() -> dict[str, Any]:
    """The leads counted, at most every half minute once there are so many that it takes time."""
    if capped_count(Contact.objects.all()) <= CAP:
        return _count_leads()
    return cache.get_or_set(LEADS, _count_leads, REMEMBERED_SECONDS) or {}


def _count_leads() -> dict[str, Any]:
    leads = Contact.objects.all()
    by_status: Counter[str] = Counter()
    by_temperature: Counter[str] = Counter()
    # One pass over the table: a capped count of a rare value would need one as well, for each.
    groups = leads.values_list("lead_status", "lead_temperature").annotate(Count("pk")).order_by()
    for status, temperature, count in groups:
        by_status[status] += count
        by_temperature[temperature] += count
    return {
        "today": capped_count(leads.added_since(charts.day_start())),
        "week": capped_count(leads.added_since(timezone.now() - timedelta(days=7))),
        "hot": capped_count(leads.hot()),
        "by_status": by_status,
        "by_temperature": by_temperature,
        "by_day": charts.count_by_day(leads),
    }
