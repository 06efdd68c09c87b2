"""What came of it: the week against the one before, the funnel, and results by week, source and
person."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Answers, Milestone, Standing, StatusChange
from contacts.results import Results, Tally, results_of
from contacts.workflow import AuthorKind, LeadStatus
from leadsync.admin.filters import day_start
from leadsync.admin.html import list_url
from leadsync.dashboard import charts
from leadsync.dashboard.numbers import Change
from leadsync.dashboard.scope import Scope
from leadsync.infra.db import CAP, capped_count

LEADS = "contacts_contact"
WEEK = timedelta(days=7)
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
        "answered": _in_words(results.everyone, scope),
        "funnel_is_cut": results.is_cut,
        "funnel_limit": charts.grouped(CAP),
    }


def week_section(scope: Scope) -> dict[str, Any]:
    """This week beside the one before: the last seven days, and those before them."""
    return {"week": scope.remembered("week", partial(_week, scope))}


def result_section(scope: Scope) -> dict[str, Any]:
    """Results by week, by source and by person, for who runs the business."""
    results = _results(scope)
    people = User.objects.in_bulk([pk for pk in results.by_person if pk])
    per_day = scope.remembered("days", partial(charts.count_by_day, scope.leads(), scope.days))
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


def _results(scope: Scope) -> Results:
    read = partial(results_of, scope.leads(), since=scope.since, now=timezone.now())
    return scope.remembered("results", read)


def _week(scope: Scope) -> list[Change]:
    leads, now = scope.leads(), timezone.now()
    week, before = now - WEEK, now - 2 * WEEK
    answers = leads.answers(since=week), leads.answers(since=before, until=week)
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
            now=answers[0].share,
            before=answers[1].share,
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


def _in_words(everyone: Tally, scope: Scope) -> str:
    """Say how soon leads are answered; blank if none had to be."""
    if everyone.share is None:
        return ""
    answers: Answers = scope.leads().answers(since=scope.since)
    share = {"share": everyone.share}
    if answers.median is None:
        return _("Of those handed over, %(share)d %% were answered in time.") % share
    half = timesince(timezone.now() - answers.median, depth=1)
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
