"""The dashboard's charts of Sarah's messages: how many by hour and by day, with their outcomes."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from leadsync.dashboard.charts import BAR_OPTIONS, SCALES, TICKS, Chart, day_start
from leadsync.infra.db import CAP
from sarah.models import WAITING, Outcome, StateUpdate

HOURS = 24
DAYS = 30
REMEMBERED = "leadsync.message_charts"
REMEMBERED_SECONDS = 30
"""How long the counts of over CAP messages are remembered; up to CAP they are counted each time."""
SERIES = (
    (gettext_lazy("Synced"), "var(--color-primary-500)", {Outcome.SYNCED}),
    (gettext_lazy("Waiting for a lead"), "#f59e0b", set(WAITING)),
    (gettext_lazy("Failed"), "#ef4444", {Outcome.SYNC_ERROR}),
    (gettext_lazy("Excluded"), "#9ca3af", {Outcome.EXCLUDED}),
)
OPTIONS = BAR_OPTIONS | {
    "plugins": {
        "legend": {
            "display": True,
            "position": "bottom",
            "labels": {"boxWidth": 10, "boxHeight": 10, "color": TICKS["color"]},
        },
        "tooltip": {"mode": "index", "intersect": False},
    },
    "scales": {axis: options | {"stacked": True} for axis, options in SCALES.items()},
}

Moment = datetime | date
Counted = Counter[tuple[Moment, str]]
"""Messages by the beginning of their hour, or by their day, and by outcome."""


def message_charts() -> dict[str, Chart]:
    """The last 24 hours by hour, and the last 30 days by day."""
    counted = cache.get(REMEMBERED)
    if counted is None:
        counted = count_by_hour(), count_by_day()
        if counted[1].total() > CAP:
            cache.set(REMEMBERED, counted, REMEMBERED_SECONDS)
    by_hour, by_day = counted
    today = timezone.localdate()
    return {
        "hours": _chart(
            by_hour, [_hour(ago) for ago in reversed(range(HOURS))], "H:i", _("in 24 hours")
        ),
        "days": _chart(
            by_day,
            [today - timedelta(days=ago) for ago in reversed(range(DAYS))],
            "j M",
            _("in 30 days"),
        ),
    }


def count_by_hour() -> Counted:
    return _count(_hour(HOURS - 1), TruncHour("received_at"))


def count_by_day() -> Counted:
    return _count(day_start(DAYS - 1), TruncDate("received_at"))


def _count(since: datetime, beginning: Any) -> Counted:
    groups = (
        StateUpdate.objects.received_since(since)
        .annotate(beginning=beginning)
        .values_list("beginning", "outcome")
        .annotate(Count("pk"))
        .order_by()
    )
    return Counter({(moment, outcome): count for moment, outcome, count in groups})


def _hour(ago: int) -> datetime:
    """The beginning of the hour, this one or some hours ago, where the shop is."""
    beginning = timezone.localtime().replace(minute=0, second=0, microsecond=0)
    return beginning - timedelta(hours=ago)


def _chart(counted: Counted, moments: Sequence[Moment], label: str, period: str) -> Chart:
    def total(outcomes: set[Any], moment: Moment) -> int:
        return sum(counted[moment, outcome] for outcome in outcomes)

    messages = counted.total()
    synced = sum(total({Outcome.SYNCED}, moment) for moment in moments)
    data = {
        "labels": [date_format(moment, label) for moment in moments],
        "datasets": [
            {
                "label": str(name),
                "data": [total(outcomes, moment) for moment in moments],
                "backgroundColor": colour,
            }
            for name, colour, outcomes in SERIES
        ],
    }
    return Chart(
        data=json.dumps(data),
        options=json.dumps(OPTIONS | {"locale": get_language()}),
        summary=_("%(count)s messages %(period)s, %(percent)d %% synced at once")
        % {
            "count": number_format(messages, force_grouping=True),
            "period": period,
            "percent": int(100 * synced / messages) if messages else 0,
        },
        total=messages,
    )
