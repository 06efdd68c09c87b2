"""The dashboard's two charts: new leads per day, and how far the new leads have come."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from contacts.models import ContactQuerySet
from contacts.workflow import FUNNEL, LeadStatus

DAYS = 30
TICKS = {"color": "#9ca3af", "font": {"size": 11}}
SCALES: dict[str, dict[str, object]] = {
    "x": {
        "grid": {"display": False},
        "border": {"display": False},
        "ticks": TICKS | {"maxRotation": 0, "maxTicksLimit": 8},
    },
    "y": {
        "beginAtZero": True,
        "suggestedMax": 4,
        "border": {"display": False},
        "grid": {"display": True},
        "ticks": TICKS | {"precision": 0, "maxTicksLimit": 5},
    },
}
BAR_OPTIONS = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "plugins": {"legend": {"display": False}, "tooltip": {"displayColors": False}},
    "datasets": {"bar": {"maxBarThickness": 18, "borderRadius": 3}},
    "scales": SCALES,
}

Counted = Iterable[tuple[date, str, int]]
"""Leads by the day they were added and the status they have now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of the funnel: how many leads have come at least this far."""

    label: object
    count: int
    percent: int

    @property
    def share(self) -> str:
        return f"{number_format(self.count, force_grouping=True)} · {self.percent} %"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What Chart.js draws, and the same in one sentence."""

    data: str
    options: str
    summary: str
    total: int


def day_start(days_ago: int = 0) -> datetime:
    """Midnight in TIME_ZONE, today or some days ago."""
    midnight = datetime.combine(
        timezone.localdate() - timedelta(days=days_ago), datetime.min.time()
    )
    return timezone.make_aware(midnight)


def count_by_day(leads: ContactQuerySet) -> list[tuple[date, str, int]]:
    """The leads of the last 30 days, over the index on their creation."""
    return list(
        leads.added_since(day_start(DAYS - 1))
        .annotate(day=TruncDate("created_at"))
        .values_list("day", "lead_status")
        .annotate(Count("pk"))
        .order_by()
    )


def new_leads(counted: Counted) -> Chart:
    per_day: Counter[date] = Counter()
    for day, _status, count in counted:
        per_day[day] += count
    first = timezone.localdate() - timedelta(days=DAYS - 1)
    days = [first + timedelta(days=number) for number in range(DAYS)]
    total = sum(per_day[day] for day in days)
    data = {
        "labels": [date_format(day, "j M") for day in days],
        "datasets": [
            {
                "label": _("New leads"),
                "data": [per_day[day] for day in days],
                "backgroundColor": "var(--color-primary-500)",
            }
        ],
    }
    best = max(days, key=lambda day: per_day[day])
    return Chart(
        data=json.dumps(data),
        options=json.dumps(BAR_OPTIONS | {"locale": get_language()}),
        summary=_("%(total)s in 30 days, most on %(day)s (%(most)s)")
        % {
            "total": number_format(total, force_grouping=True),
            "day": date_format(best, "j M"),
            "most": number_format(per_day[best], force_grouping=True),
        },
        total=total,
    )


def funnel(counted: Counted) -> list[Step]:
    """How many of the new leads have come at least as far as each status."""
    by_status: Counter[str] = Counter()
    for _day, status, count in counted:
        by_status[status] += count
    total = sum(by_status.values())
    reached = {_("Added"): total} | {
        LeadStatus(status).label: sum(by_status[later] for later in FUNNEL[position:])
        for position, status in enumerate(FUNNEL)
        if position
    }
    return [
        Step(label=label, count=count, percent=round(100 * count / total) if total else 0)
        for label, count in reached.items()
    ]
