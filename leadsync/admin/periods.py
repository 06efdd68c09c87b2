"""List filters by time: within some days, or between two of them."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
A_DATE = "2026-11-02"
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anything that we keep."""
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
    `2026-11-02..2026-11-08`, whole days, of which one may be left out, and the first may be a
    moment.
    """
    if asked == "today":
        return Period(since=day_start(), until=None, label=_("Today"))
    if found := LAST.fullmatch(asked or ""):
        return _last(int(found[2]), found[3], before=bool(found[1]))
    first, dots, last = (asked or "").partition("..")
    return _between(first, last) if dots and (first or last) else None


def _between(first: str, last: str) -> Period | None:
    since, end = _moment(first), _moment(last)
    if (first and since is None) or (last and end is None) or (since and end and end < since):
        return None
    words = {"first": _day(since), "last": _day(end)}
    if end is None:
        return Period(since=since or BEGINNING, until=None, label=_("Since %(first)s") % words)
    until = _midnight(timezone.localtime(end).date() + A_DAY)
    if since is None:
        return Period(since=BEGINNING, until=until, label=_("Until %(last)s") % words)
    told = words["first"] if words["first"] == words["last"] else _("%(first)s to %(last)s") % words
    return Period(since=since, until=until, label=told)


def _day(moment: datetime | None) -> str:
    return date_format(timezone.localtime(moment), "j M Y") if moment else ""


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
        is_day = len(asked) == len(A_DATE)
        moment = datetime.fromisoformat(asked)
    except ValueError:
        return None
    if moment.year not in YEARS or (timezone.is_naive(moment) and not is_day):
        return None
    return _midnight(moment.date()) if is_day else moment


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


class PeriodFilter(SimpleListFilter):
    """Asks the rows for a period: one that is offered, or from and to a day of one's own."""

    parameter_name: str
    ask: str
    """The method of their QuerySet, such as `added_since`: it takes a beginning and an end."""
    offered = ("today", "7d", "30d")

    def __init__(self, request: HttpRequest, params: dict[str, Any], *args: Any) -> None:
        days = [params.pop(name, [""])[-1] for name in self._names_of_days()]
        if any(days):
            params[self.parameter_name] = ["..".join(days)]
        super().__init__(request, params, *args)

    def _names_of_days(self) -> list[str]:
        return [f"{self.parameter_name}_from", f"{self.parameter_name}_to"]

    def expected_parameters(self) -> list[str | None]:
        return [self.parameter_name, *self._names_of_days()]

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, Any]]:
        periods = {value: period_of(value) for value in dict.fromkeys([*self.offered, self._asked])}
        return [(value, period.label) for value, period in periods.items() if period]

    @property
    def _asked(self) -> str:
        return self.value() or ""

    @property
    def days(self) -> tuple[str, str]:
        """The days of one's own, as fields for a date show them."""
        first, _dots, last = self._asked.partition("..") if ".." in self._asked else ("", "", "")
        return first[: len(A_DATE)], last[: len(A_DATE)]

    @property
    def error(self) -> str:
        """Why the days that were given are no period; blank if they are one."""
        if not any(self.days) or period_of(self._asked):
            return ""
        if any(day and _moment(day) is None for day in self.days):
            return _("This is no date: write it as 2026-12-25.")
        return _("The last day is before the first: change one of them.")

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        period = period_of(self.value())
        return getattr(queryset, self.ask)(period.since, period.until) if period else queryset
