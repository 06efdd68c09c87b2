"""List filters by time: within some days, or between two of them."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin, SimpleListFilter
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from leadsync.admin.filters import day_start

YEARS = range(1970, 3000)
"""Others are no time in any database."""
A_DAY = timedelta(days=1)
MAX_DAYS = 3_650
LAST = re.compile(r"(before-)?([0-9]{1,4})([hd])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    since: datetime
    until: datetime | None
    label: str


def period_of(asked: str | None) -> Period | None:
    """Read a period in an address; None if it is none.

    `today`; `24h` or `7d`, the last hours or days, and `before-7d`, those before them;
    `2026-11-02..2026-11-08`, whole days, of which the last may be left out and the first may be a
    moment.
    """
    if asked == "today":
        return Period(since=day_start(), until=None, label=_("Today"))
    if found := LAST.fullmatch(asked or ""):
        return _last(int(found[2]), found[3], before=bool(found[1]))
    first, dots, last = (asked or "").partition("..")
    since = _moment(first)
    if not dots or since is None:
        return None
    told = date_format(timezone.localtime(since), "j M Y")
    if not last:
        return Period(since=since, until=None, label=_("Since %s") % told)
    end = _moment(last)
    if end is None or end < since:
        return None
    until = _midnight(timezone.localtime(end).date() + A_DAY)
    words = {"first": told, "last": date_format(timezone.localtime(end), "j M Y")}
    label = told if words["first"] == words["last"] else _("%(first)s to %(last)s") % words
    return Period(since=since, until=until, label=label)


def between(first: datetime | date, last: date | None = None) -> str:
    """Write a period as it stands in an address."""
    return f"{first.isoformat()}..{last.isoformat() if last else ''}"


def _last(count: int, unit: str, *, before: bool) -> Period | None:
    if not 0 < count <= MAX_DAYS:
        return None
    length = timedelta(hours=count) if unit == "h" else timedelta(days=count)
    since = timezone.now() - length
    words = {
        "h": ngettext("In the last hour", "In the last %(n)d hours", count),
        "d": ngettext("In the last day", "In the last %(n)d days", count),
    }
    if before:
        label = _("Before that: %s") % (words[unit] % {"n": count})
        return Period(since=since - length, until=since, label=label)
    return Period(since=since, until=None, label=words[unit] % {"n": count})


def _moment(asked: str) -> datetime | None:
    """Read a day, which is its midnight in TIME_ZONE, or a moment."""
    try:
        is_day = len(asked) == len("2026-11-02")
        moment = datetime.fromisoformat(asked)
    except ValueError:
        return None
    if moment.year not in YEARS or (timezone.is_naive(moment) and not is_day):
        return None
    return _midnight(moment.date()) if is_day else moment


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


class PeriodFilter(SimpleListFilter):
    """Asks the rows for a period."""

    parameter_name: str
    ask: str
    """The method of their QuerySet, such as `added_since`: it takes a beginning and an end."""
    offered = ("today", "7d", "30d")

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        values = dict.fromkeys([*self.offered, request.GET.get(self.parameter_name, "")])
        periods = {value: period_of(value) for value in values}
        return [(value, period.label) for value, period in periods.items() if period]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        period = period_of(self.value())
        return getattr(queryset, self.ask)(period.since, period.until) if period else queryset
