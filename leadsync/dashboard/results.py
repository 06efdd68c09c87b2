"""What came of it: the week against the one before, the funnel, and results by week, source and
person."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.admin.filters import NO_SOURCE
from contacts.models import Milestone
from contacts.results import NEWEST, Results, Tally, results_of
from contacts.workflow import LeadStatus
from leadsync.admin.filters import day_start
from leadsync.admin.html import list_url
from leadsync.admin.periods import between
from leadsync.dashboard import charts
from leadsync.dashboard.numbers import Change, Number
from leadsync.dashboard.scope import Scope
from leadsync.infra.db import capped_counts

LEADS = "contacts_contact"
WEEK = timedelta(days=7)
A_DAY = timedelta(days=1)
DAY_SECONDS = 24 * 60 * 60
SHOWN = 8
REACHED = {
    Milestone.ADDED: gettext_lazy("Added"),
    Milestone.HANDED_OVER: gettext_lazy("Handed over"),
    Milestone.CONTACTED: gettext_lazy("Contacted"),
    Milestone.CONVERTED: gettext_lazy("Won"),
}
HEADS = [*REACHED.values(), gettext_lazy("In time"), gettext_lazy("Late")]
"""The columns of the tables."""
NOBODY = gettext_lazy("Nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a table of results."""

    name: str
    reached: list[Number]
    in_time: Number
    late: Number

    @property
    def cells(self) -> list[tuple[object, Number]]:
        return list(zip(HEADS, [*self.reached, self.in_time, self.late], strict=True))


def funnel_section(scope: Scope) -> dict[str, Any]:
    """How far the new leads came; everybody who sells sees it."""
    results = _results(scope)
    added = {"added": _added(scope, results)}
    whole = _line("", results.everyone, scope, **added)
    reached = {one: results.everyone.reached[one] for one in Milestone}
    return {
        "funnel": charts.funnel(
            {one: _reached(one, count, scope, **added) for one, count in reached.items()}
        ),
        "answered": _in_words(results),
        "answers": whole,
        "funnel_is_cut": results.is_cut,
        "funnel_limit": charts.grouped(NEWEST),
    }


def week_section(scope: Scope) -> dict[str, Any]:
    """This week beside the one before: the last seven days, and those before them."""
    return {"week": scope.remembered("week", partial(_week, scope))}


def result_section(scope: Scope) -> dict[str, Any]:
    """Results by week, by source and by person, for who runs the business."""
    results = _results(scope)
    people = User.objects.in_bulk([pk for pk in results.by_person if pk])
    per_day = scope.remembered("days", partial(_per_day, scope))
    added = {"added": _added(scope, results)}
    return {
        "by_week": [
            _line(_week_of(monday), tally, scope, added=_in_week(monday, results))
            for monday, tally in results.by_week.items()
        ][:SHOWN],
        "by_source": _sorted(
            _line(source or str(_("Unknown")), tally, scope, source=source or NO_SOURCE, **added)
            for source, tally in results.by_source.items()
        ),
        "by_person": _sorted(
            _of_person(people.get(pk or 0), tally, scope, **added)
            for pk, tally in results.by_person.items()
        ),
        "result_heads": HEADS,
        "chart": charts.new_leads(per_day, scope.days),
        "chart_url": list_url(LEADS, added=between(scope.first_day), **scope.filters),
    }


def _added(scope: Scope, results: Results) -> str:
    """The leads that are summed up, as the list's filter has it."""
    return between(results.since if results.is_cut else scope.first_day)


def _in_week(monday: date, results: Results) -> str:
    """Those of them that were added in this week."""
    first = timezone.localtime(results.since).date()
    begins = results.since if results.is_cut and monday <= first else max(monday, first)
    return between(begins, monday + WEEK - A_DAY)


def _per_day(scope: Scope) -> Counter[date]:
    """Count the new leads of each day; of many, those of the days before are counted once a day."""
    days = charts.last_days(scope.days)
    names = {f"leadsync.home.day.{scope.key}.{day}": day for day in days[:-1]}
    known = cache.get_many(names) if scope.is_large else {}
    missing = [day for name, day in names.items() if name not in known]
    first = min([*missing, days[-1]])
    counted = charts.count_by_day(scope.leads().added_since(day_start((days[-1] - first).days)))
    if scope.is_large:
        cache.set_many(
            {name: counted[day] for name, day in names.items() if day >= first}, DAY_SECONDS
        )
    return Counter({names[name]: count for name, count in known.items()}) | counted


def _results(scope: Scope) -> Results:
    read = partial(results_of, scope.leads(), since=scope.since, now=timezone.now())
    return scope.remembered("results", read)


def _week(scope: Scope) -> list[Change]:
    leads, now = scope.leads(), timezone.now()
    week, before = (now - WEEK, now), (now - 2 * WEEK, now - WEEK)
    qualified = leads.filter(lead_status=LeadStatus.QUALIFIED)
    asked: dict[str, tuple[object, Any, dict[str, str]]] = {
        "added": (gettext_lazy("New leads"), leads.added_since, {}),
        "moved": (
            LeadStatus.QUALIFIED.label,
            qualified.status_changed_since,
            {"lead_status__exact": LeadStatus.QUALIFIED.value},
        ),
        "handed": (gettext_lazy("Handed over by Sarah"), leads.handed_over_within, {}),
        "won": (gettext_lazy("Won"), leads.won_within, {}),
    }
    periods = [rows(*one) for _label, rows, _link in asked.values() for one in (week, before)]
    counts = iter(capped_counts(*periods))
    changes = [
        Change(
            label=label,
            now=_number(next(counts), scope, **{name: "7d"}, **link),
            before=_number(next(counts), scope, **{name: "before-7d"}, **link),
        )
        for name, (label, _rows, link) in asked.items()
    ]
    in_time = Change(
        label=gettext_lazy("Answered in time"),
        now=_in_time(leads.answers_within(*week), scope, handed="7d"),
        before=_in_time(leads.answers_within(*before), scope, handed="before-7d"),
    )
    return [*changes[:-1], in_time, changes[-1]]


def _in_time(answers: tuple[int, int], scope: Scope, **filters: Any) -> Number:
    in_time, late = answers
    return _number(in_time, scope, of=in_time + late, clock="in-time", **filters)


def _number(count: int, scope: Scope, *, of: Any = None, **filters: Any) -> Number:
    return Number(count=count, of=of, url=list_url(LEADS, **filters, **scope.filters))


def _reached(milestone: Milestone, count: int, scope: Scope, **filters: Any) -> Number:
    if milestone != Milestone.ADDED:
        filters["reached"] = milestone.value
    return _number(count, scope, **filters)


def _in_words(results: Results) -> str:
    """Say how soon leads are answered; blank if none had to be."""
    if results.everyone.share is None:
        return ""
    share = {"share": results.everyone.share}
    if results.median is None:
        return _("Of those handed over, %(share)d %% were answered in time.") % share
    half = timesince(timezone.now() - results.median, depth=1)
    text = _("Of those handed over, %(share)d %% were answered in time; half within %(half)s.")
    return text % {**share, "half": half}


def _line(name: str, tally: Tally, scope: Scope, **filters: Any) -> Line:
    return Line(
        name=name,
        reached=[_reached(one, tally.reached[one], scope, **filters) for one in REACHED],
        in_time=_in_time((tally.in_time, tally.late), scope, **filters),
        late=_number(tally.late, scope, clock="late", **filters),
    )


def _of_person(owner: User | None, tally: Tally, scope: Scope, **filters: Any) -> Line:
    name = (owner.get_full_name() or owner.get_username()) if owner else str(NOBODY)
    return _line(name, tally, scope, assigned=owner.pk if owner else "nobody", **filters)


def _sorted(lines: Any) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.reached[0].count, line.name))[:SHOWN]


def _week_of(monday: date) -> str:
    start = day_start().date()
    this_week = start - timedelta(days=start.weekday())
    text = date_format(monday, "j M")
    return _("This week") if monday == this_week else _("Week of %s") % text
