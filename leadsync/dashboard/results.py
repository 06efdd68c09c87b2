"""What came of it: the week against the one before, the funnel, and results by week, source and
person."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Milestone, Standing, StatusChange
from contacts.results import NEWEST, Results, Tally, results_of
from contacts.workflow import AuthorKind, LeadStatus
from leadsync.admin.filters import day_start
from leadsync.admin.html import list_url
from leadsync.dashboard import charts
from leadsync.dashboard.numbers import Change
from leadsync.dashboard.scope import Scope
from leadsync.infra.db import capped_count

LEADS = "contacts_contact"
WEEK = timedelta(days=7)
A_DAY = 24 * 60 * 60
SHOWN = 8
REACHED = {
    Milestone.ADDED: gettext_lazy("Added"),
    Milestone.HANDED_OVER: gettext_lazy("Handed over"),
    Milestone.CONTACTED: gettext_lazy("Contacted"),
    Milestone.CONVERTED: gettext_lazy("Won"),
}
"""The columns of the tables."""
NOBODY = gettext_lazy("Nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a table of results."""

    name: str
    url: str
    counts: list[int]
    share: int | None


def funnel_section(scope: Scope) -> dict[str, Any]:
    """How far the new leads came; everybody who sells sees it."""
    results = _results(scope)
    return {
        "funnel": charts.funnel({one: results.everyone.reached[one] for one in Milestone}),
        "answered": _in_words(results),
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
    return {
        "by_week": [
            _line(_week_of(monday), "", tally) for monday, tally in results.by_week.items()
        ][:SHOWN],
        "by_source": _sorted(
            _line(source or str(_("Unknown")), "", tally)
            for source, tally in results.by_source.items()
        ),
        "by_person": _sorted(
            _of_person(pk, people, tally, scope) for pk, tally in results.by_person.items()
        ),
        "result_heads": list(REACHED.values()),
        "chart": charts.new_leads(per_day, scope.days),
    }


def _per_day(scope: Scope) -> Counter[date]:
    """Count the new leads of each day; of many, those of the days before are counted once a day."""
    days = charts.last_days(scope.days)
    names = {f"leadsync.home.day.{scope.key}.{day}": day for day in days[:-1]}
    known = cache.get_many(names) if scope.is_large else {}
    missing = [day for name, day in names.items() if name not in known]
    first = min([*missing, days[-1]])
    counted = charts.count_by_day(scope.leads().added_since(day_start((days[-1] - first).days)))
    if scope.is_large:
        cache.set_many({name: counted[day] for name, day in names.items() if day >= first}, A_DAY)
    return Counter({names[name]: count for name, count in known.items()}) | counted


def _results(scope: Scope) -> Results:
    read = partial(results_of, scope.leads(), since=scope.since, now=timezone.now())
    return scope.remembered("results", read)


def _week(scope: Scope) -> list[Change]:
    leads, now = scope.leads(), timezone.now()
    week, before = now - WEEK, now - 2 * WEEK
    here = scope.filters
    return [
        Change(
            label=_("New leads"),
            now=capped_count(leads.added_since(week)),
            before=capped_count(leads.added_since(before).filter(created_at__lt=week)),
            url=list_url(LEADS, added="7d", **here),
        ),
        Change(
            label=_("Handed over by Sarah"),
            now=capped_count(leads.handed_over_within(week, now)),
            before=capped_count(leads.handed_over_within(before, week)),
            url=list_url(LEADS, standing=Standing.HANDED_OVER, **here),
        ),
        Change(
            label=_("Answered in time"),
            now=leads.share_in_time(week, now),
            before=leads.share_in_time(before, week),
            url=list_url(LEADS, clock="overdue", **here),
            unit=" %",
        ),
        Change(
            label=_("Won"),
            now=_won(scope, week, now),
            before=_won(scope, before, week),
            url=list_url(LEADS, standing=Standing.CONVERTED, **here),
        ),
    ]


def _won(scope: Scope, since: datetime, until: datetime) -> int:
    moves = scope.within(StatusChange.objects.visible_to(scope.user), "contact__workspace")
    by_people = moves.filter(to=LeadStatus.CONVERTED, actor_kind=AuthorKind.PERSON, is_undone=False)
    return capped_count(by_people.filter(at__gte=since, at__lt=until).values("contact").distinct())


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


def _line(name: str, url: str, tally: Tally) -> Line:
    counts = [tally.reached[one] for one in REACHED]
    return Line(name=name, url=url, counts=counts, share=tally.share)


def _of_person(pk: int | None, people: Mapping[int, User], tally: Tally, scope: Scope) -> Line:
    owner = people.get(pk or 0)
    name = (owner.get_full_name() or owner.get_username()) if owner else str(NOBODY)
    assigned = str(pk) if owner else "nobody"
    return _line(name, list_url(LEADS, assigned=assigned, **scope.filters), tally)


def _sorted(lines: Any) -> list[Line]:
    return sorted(lines, key=lambda line: (-line.counts[0], line.name))[:SHOWN]


def _week_of(monday: date) -> str:
    start = day_start().date()
    this_week = start - timedelta(days=start.weekday())
    text = date_format(monday, "j M")
    return _("This week") if monday == this_week else _("Week of %s") % text
