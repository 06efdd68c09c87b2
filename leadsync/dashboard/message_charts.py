"""Charts of Sarah's messages by hour and by day, with their outcomes."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import TruncDate, TruncHour
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from leadsync.admin.html import list_url
from leadsync.admin.periods import between
from leadsync.dashboard import charts
from leadsync.dashboard.charts import Chart
from leadsync.dashboard.scope import Scope
from leadsync.infra.db import CAP
from monitoring.health.windows import percentile
from sarah.models import WAITING, Outcome, StateUpdate, StateUpdateQuerySet

HOURS = 24
MESSAGES = "sarah_stateupdate"
REMEMBERED = "leadsync.message_charts"
REMEMBERED_SECONDS = 30
"""How long the counts of over CAP messages are remembered; up to CAP they are counted each time."""
SERIES = (
    (gettext_lazy("Synced"), charts.PRIMARY, [Outcome.SYNCED]),
    (gettext_lazy("Waiting for a lead"), "#f59e0b", WAITING),
    (gettext_lazy("Failed"), "#ef4444", [Outcome.SYNC_ERROR]),
    (gettext_lazy("Excluded"), charts.GREY, [Outcome.EXCLUDED]),
)

Moment = datetime | date
Counted = Counter[tuple[Moment, str]]
"""Messages by the beginning of their hour, or by their day, and by outcome."""


def message_charts(scope: Scope) -> dict[str, Any]:
    """Return the chart of the last 24 hours by hour, of the period by day, and how long the bot
    waited for its answers."""
    key = f"{REMEMBERED}.{scope.key}.{scope.days}"
    counted = cache.get(key)
    if counted is None:
        visible = StateUpdate.objects.visible_to(scope.user)
        seen = scope.within(visible, "state__workspace")
        counted = (
            _count(seen.received_since(_hour(HOURS - 1)), TruncHour("received_at")),
            _count(seen.received_since(scope.since), TruncDate("received_at")),
            _durations(seen.received_since(_hour(HOURS - 1))),
        )
        if counted[1].total() > CAP:
            cache.set(key, counted, REMEMBERED_SECONDS)
    by_hour, by_day, durations = counted
    hours = [_hour(ago) for ago in reversed(range(HOURS))]
    here = {f"state__{name}": value for name, value in scope.filters.items()}
    return {
        "hours": _chart(by_hour, hours, "H:i", _("in 24 hours")),
        "hours_url": list_url(MESSAGES, received=between(_hour(HOURS - 1)), **here),
        "days": _chart(by_day, charts.last_days(scope.days), "j M", _in_days(scope.days)),
        "days_url": list_url(MESSAGES, received=between(scope.first_day), **here),
        "latency": _latency(durations),
    }


def _in_days(count: int) -> str:
    return _("in %d days") % count


def _durations(updates: StateUpdateQuerySet) -> Counter[int]:
    counted = updates.order_by().values_list("duration_ms").annotate(Count("pk"))
    return Counter(dict(counted))


def _latency(durations: Counter[int]) -> str:
    """Say how long messages took; blank if nothing came."""
    half, most = percentile(durations, 0.5), percentile(durations, 0.95)
    if half is None or most is None:
        return ""
    told = {"half": charts.grouped(half), "most": charts.grouped(most)}
    return _("In 24 hours half took %(half)s ms until COMMIT, 95 %% at most %(most)s ms.") % told


def _count(updates: StateUpdateQuerySet, beginning: Any) -> Counted:
    counts = charts.count_by(updates, beginning, "outcome")
    return Counter({(moment, outcome): count for moment, outcome, count in counts})


def _hour(ago: int) -> datetime:
    """Return the start of the current hour or of an earlier one, in TIME_ZONE."""
    beginning = timezone.localtime().replace(minute=0, second=0, microsecond=0)
    return beginning - timedelta(hours=ago)


def _chart(counted: Counted, moments: Sequence[Moment], label: str, period: str) -> Chart:
    series = [
        (name, colour, [sum(counted[moment, one] for one in outcomes) for moment in moments])
        for name, colour, outcomes in SERIES
    ]
    total = counted.total()
    synced = sum(counted[moment, Outcome.SYNCED] for moment in moments)
    summary = _("%(count)s messages %(period)s, %(percent)d %% synced at once") % {
        "count": charts.grouped(total),
        "period": period,
        "percent": int(100 * synced / total) if total else 0,
    }
    labels = [date_format(moment, label) for moment in moments]
    return charts.bar_chart(labels, series, summary=summary, total=total)
