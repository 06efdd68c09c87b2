"""Charts of the dashboard in the format of Chart.js, and the charts of new leads."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from contacts.models import ContactQuerySet, Milestone
from leadsync.dashboard.numbers import Number

DAYS = 30
PRIMARY, GREY = "var(--color-primary-500)", "#9ca3af"
TICKS = {"color": GREY, "font": {"size": 11}}
HIDDEN = {"display": False}
X_TICKS = TICKS | {"maxRotation": 0, "maxTicksLimit": 8}
SCALES: dict[str, dict[str, object]] = {
    "x": {"grid": HIDDEN, "border": HIDDEN, "ticks": X_TICKS},
    "y": {
        "beginAtZero": True,
        "suggestedMax": 4,
        "border": HIDDEN,
        "grid": {"display": True},
        "ticks": TICKS | {"precision": 0, "maxTicksLimit": 5},
    },
}
ONE_SERIES = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "plugins": {"legend": HIDDEN, "tooltip": {"displayColors": False}},
    "datasets": {"bar": {"maxBarThickness": 18, "borderRadius": 3}},
    "scales": SCALES,
}
LEGEND = {"boxWidth": 10, "boxHeight": 10, "color": GREY}
STACKED = ONE_SERIES | {
    "plugins": {
        "legend": {"display": True, "position": "bottom", "labels": LEGEND},
        "tooltip": {"mode": "index", "intersect": False},
    },
    "scales": {axis: options | {"stacked": True} for axis, options in SCALES.items()},
}

Counted = Iterable[tuple[Any, str, int]]
"""Rows by the day or hour they fall into, and by their status or outcome."""
Series = tuple[object, str, list[int]]
"""What its bars stand for, their colour, and how high each is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the funnel: how many leads came so far."""

    label: object
    number: Number
    percent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The data for Chart.js, and the same in one sentence."""

    data: str
    options: str
    summary: str
    total: int


def bar_chart(labels: list[str], series: Sequence[Series], *, summary: str, total: int) -> Chart:
    """Return a bar chart with one bar per label; several series are stacked."""
    datasets = [
        {"label": str(name), "data": counts, "backgroundColor": colour}
        for name, colour, counts in series
    ]
    options = STACKED if len(series) > 1 else ONE_SERIES
    return Chart(
        data=json.dumps({"labels": labels, "datasets": datasets}),
        options=json.dumps(options | {"locale": get_language()}),
        summary=summary,
        total=total,
    )


def count_by(rows: QuerySet, beginning: Any, column: str) -> Counted:
    """Count the rows by the start of their day or hour and by this column."""
    moments = rows.annotate(beginning=beginning).values_list("beginning", column)
    return list(moments.annotate(Count("pk")).order_by())


def last_days(count: int = DAYS) -> list[date]:
    """Return the days of a chart; today is the last."""
    today = timezone.localdate()
    return [today - timedelta(days=ago) for ago in reversed(range(count))]


def grouped(number: int) -> str:
    """Format the number with thousands separators."""
    return number_format(number, force_grouping=True)


def count_by_day(leads: ContactQuerySet) -> Counter[date]:
    """Count these leads by the day they were created on; reads nothing but their index."""
    days = leads.annotate(day=TruncDate("created_at"))
    return Counter(dict(days.values_list("day").annotate(number=Count("*")).order_by()))


def new_leads(per_day: Counter[date], count: int = DAYS) -> Chart:
    days = last_days(count)
    counts = [per_day[day] for day in days]
    best = max(days, key=lambda day: per_day[day])
    summary = _("%(total)s in %(days)d days, most on %(day)s (%(most)s)") % {
        "total": grouped(sum(counts)),
        "days": count,
        "day": date_format(best, "j M"),
        "most": grouped(per_day[best]),
    }
    labels = [date_format(day, "j M") for day in days]
    series = [(_("New leads"), PRIMARY, counts)]
    return bar_chart(labels, series, summary=summary, total=sum(counts))


def funnel(reached: Mapping[Milestone, Number]) -> list[Step]:
    """Return how many of the new leads came how far, by their history."""
    total = reached[Milestone.ADDED].count
    return [
        Step(
            label=milestone.label,
            number=number,
            percent=round(100 * number.count / total) if total else 0,
        )
        for milestone, number in reached.items()
    ]
