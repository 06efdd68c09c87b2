"""The admin's front page: new leads, hot leads, and whether conversations are in sync.

Each number is counted by the QuerySet method that the linked list filters with.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _

from contacts.models import (
    Answers,
    Contact,
    ContactQuerySet,
    Standing,
    Temperature,
    count_standings,
)
from leadsync.admin.filters import Questions, day_start
from leadsync.admin.html import STANDING_COLOURS, TEMPERATURE_COLOURS, list_url
from leadsync.admin.members import no_workspace_yet
from leadsync.dashboard import charts
from leadsync.dashboard.message_charts import message_charts
from leadsync.dashboard.strangers import strangers
from leadsync.infra.db import CAP, capped_count, shown_count
from leadsync.infra.visible import reach_of
from monitoring.admin.details import KIND_COLOURS
from monitoring.health.diagnosis import diagnose
from monitoring.health.numbers import recent_vitals
from monitoring.health.parts import Parts
from monitoring.kinds import Kind
from monitoring.models import SyncFailure
from sarah.admin.filters import ActiveFilter, SyncFilter
from sarah.models import SarahState

SECONDS_TO_READ = 5.0
NOTHING: dict[str, Any] = {"headlines": []}
LEADS, FAILURES = "contacts_contact", "monitoring_syncfailure"
CALL_FIRST = _("Call these first: hot or score 70+, not yet won or archived")
NOT_CONTACTED = _("Handed over by Sarah, and nobody has contacted them since")
NOT_IN_TIME = _("Handed over, and not answered within the time that the workspace sets")
ANSWERED = _(
    "Of those handed over in 7 days, %(share)d %% were answered in time; half within %(half)s"
)
NOT_REACHED = _("What Sarah said has not reached a lead")
HEARD = _("Heard from Sarah in the last 24 hours")
LEAD_NUMBERS: tuple[tuple[str, Any, Any, dict[str, str]], ...] = (
    ("today", _("New leads today"), _("Added since midnight"), {"added": "today"}),
    ("week", _("New leads in 7 days"), _("Added in the last 7 days"), {"added": "7d"}),
    ("hot", _("Hot leads"), CALL_FIRST, {"hot": "yes"}),
    ("overdue", _("Overdue"), NOT_IN_TIME, {"clock": "overdue"}),
    ("waiting", _("Waiting for a person"), NOT_CONTACTED, {"standing": Standing.HANDED_OVER}),
)
CONVERSATION_NUMBERS: tuple[tuple[type[Questions], str, Any, str, Any], ...] = (
    (SyncFilter, "in", _("In sync"), "success", ""),
    (SyncFilter, "out", _("Out of sync"), "danger", NOT_REACHED),
    (SyncFilter, "excluded", _("Excluded"), "", ""),
    (ActiveFilter, "day", _("Active conversations"), "info", HEARD),
)
"""By the filter of their list and its value."""
REMEMBERED = "leadsync.dashboard.leads"
REMEMBERED_SECONDS = 30
"""How long the numbers of over CAP leads are remembered; up to CAP they are counted each time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number with a link to the list of exactly these rows."""

    label: object
    count: int
    url: str
    colour: str = ""
    hint: object = ""
    is_alarming: bool = False

    @property
    def shown(self) -> str:
        return shown_count(self.count)


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the template context with the sections that this person may see."""
    if text := no_workspace_yet(request.user):
        messages.info(request, text)
    parts = Parts(seconds=SECONDS_TO_READ)
    board: dict[str, Any] = {"headlines": [], "now": timezone.localtime()}
    for permission, (name, section) in SECTIONS.items():
        if request.user.has_perm(permission):
            found = parts.read(name, partial(section, request.user), NOTHING)
            board["headlines"] += found["headlines"]
            board |= {key: value for key, value in found.items() if key != "headlines"}
    board["unreadable"] = [LABELS[name] for name in parts.unreadable]
    if request.user.has_perm("monitoring.view_failuregroup"):
        board["problems"] = list(diagnose(recent_vitals(request.user)))
    return context | {"board": board}


def lead_section(user: Any) -> dict[str, Any]:
    numbers = _lead_numbers(user)
    standings, temperatures = numbers["by_standing"], numbers["by_temperature"]
    headlines = [
        Number(
            label=label,
            count=numbers[name],
            url=list_url(LEADS, **filters),
            hint=(name == "overdue" and _in_time(numbers["answers"])) or hint,
            is_alarming=name == "overdue" and bool(numbers[name]),
        )
        for name, label, hint, filters in LEAD_NUMBERS
    ]
    return {
        "headlines": headlines,
        "has_leads": bool(sum(standings.values())),
        "by_status": _by(Standing, standings, STANDING_COLOURS, LEADS, "standing"),
        "by_temperature": _by(
            Temperature, temperatures, TEMPERATURE_COLOURS, LEADS, "lead_temperature__exact"
        ),
        "chart": charts.new_leads(numbers["by_day"]),
        "funnel": charts.funnel(numbers["milestones"]),
    }


def _in_time(answers: Answers) -> str:
    """Say how soon leads are answered; blank if none was."""
    if answers.median is None:
        return ""
    half = timesince(timezone.now() - answers.median, depth=1)
    return ANSWERED % {"share": answers.share or 0, "half": half}


def conversation_section(user: Any) -> dict[str, Any]:
    seen, numbers = SarahState.objects.visible_to(user), {}
    for list_filter, value, label, colour, hint in CONVERSATION_NUMBERS:
        _label, question = list_filter.questions[value]
        numbers[value] = Number(
            label=label,
            count=capped_count(question(seen)),
            url=list_url("sarah_sarahstate", **{list_filter.parameter_name: value}),
            colour=colour,
            hint=hint,
        )
    lines = strangers(user)
    news = sum(line.count for line in lines)
    out = replace(numbers["out"], is_alarming=numbers["out"].count > news)
    headlines = [numbers["day"], out]
    return {"headlines": headlines, "conversations": list(numbers.values()), "strangers": lines}


def message_section(user: Any) -> dict[str, Any]:
    return {"headlines": [], "messages": message_charts(user)}


def failure_section(user: Any) -> dict[str, Any]:
    seen = SyncFailure.objects.visible_to(user).open()
    counts = dict(seen.values_list("kind").annotate(Count("pk")).order_by("kind"))
    opened = Number(
        label=_("Open failures"),
        count=sum(counts.values()),
        url=list_url(FAILURES, outcome="open"),
        colour="danger",
        hint=_("Each with advice on what to do"),
        is_alarming=bool(set(counts) - {Kind.CONTACT_NOT_FOUND}),
    )
    kinds = [kind for kind in Kind if kind in counts]
    numbers = _by(kinds, counts, KIND_COLOURS, FAILURES, "kind__exact", outcome="open")
    return {"headlines": [opened], "failures": {"kinds": numbers}}


def _by(
    choices: Iterable[Any],
    counts: Mapping[str, int],
    colours: Mapping[str, str],
    label: str,
    parameter: str,
    **filters: object,
) -> list[Number]:
    """Return one number for each of these choices of a list's filter."""
    return [
        Number(
            label=choice.label,
            count=counts.get(choice, 0),
            url=list_url(label, **filters, **{parameter: choice}),
            colour=colours[choice],
        )
        for choice in choices
    ]


def _lead_numbers(user: Any) -> dict[str, Any]:
    """Count the leads; cached for half a minute once counting takes long."""
    leads = Contact.objects.visible_to(user)
    if capped_count(leads) <= CAP:
        return _count_leads(leads)
    key = f"{REMEMBERED}.{reach_of(user).key}"
    return cache.get_or_set(key, partial(_count_leads, leads), REMEMBERED_SECONDS) or {}


def _count_leads(leads: ContactQuerySet) -> dict[str, Any]:
    by_standing: Counter[str] = Counter()
    by_temperature: Counter[str] = Counter()
    # One pass over the table: a capped count of a rare value would need one as well, for each.
    for (standing, temperature), count in count_standings(leads).items():
        by_standing[standing] += count
        by_temperature[temperature] += count
    return {
        "today": capped_count(leads.added_since(day_start())),
        "week": capped_count(leads.added_since(timezone.now() - timedelta(days=7))),
        "hot": capped_count(leads.hot()),
        "overdue": capped_count(leads.overdue()),
        "answers": leads.answers(since=timezone.now() - timedelta(days=7)),
        "waiting": min(by_standing[Standing.HANDED_OVER], CAP + 1),
        "by_standing": by_standing,
        "by_temperature": by_temperature,
        "by_day": charts.count_by_day(leads),
        "milestones": leads.added_since(day_start(charts.DAYS - 1)).milestones(),
    }


SECTIONS: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    "contacts.view_contact": ("leads", lead_section),
    "sarah.view_sarahstate": ("conversations", conversation_section),
    "sarah.view_stateupdate": ("messages", message_section),
    "monitoring.view_syncfailure": ("failures", failure_section),
}
"""By the permission that they need."""
LABELS = {
    "leads": _("Leads"),
    "conversations": _("Conversations with Sarah"),
    "messages": _("Messages from Sarah"),
    "failures": _("Sync failures"),
}
