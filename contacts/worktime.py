"""Working time of a business: which moments count, by its own clock. Pure."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

MIDNIGHT = time(0)
"""As the end of a day, it is the one that follows."""
MORNING = time(9)
DAY = timedelta(days=1)
MAX_DAYS = 400
"""Who is closed for so long keeps no hours: then all time counts."""


class Soon(StrEnum):
    """The times to which a next step is planned with one click."""

    TOMORROW = "tomorrow"
    IN_3_DAYS = "in_3_days"
    NEXT_MONDAY = "next_monday"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkTime:
    """The hours of a business; `days` are ISO weekdays, Monday is 1."""

    zone: ZoneInfo
    days: frozenset[int] = frozenset({1, 2, 3, 4, 5})
    opens: time = MORNING
    closes: time = time(17)
    holidays: frozenset[date] = frozenset()

    def after(self, start: datetime, work: timedelta) -> datetime:
        """Return the moment at which so much working time has passed since `start`."""
        now, day = start.astimezone(UTC), start.astimezone(self.zone).date()
        for _day in range(MAX_DAYS):
            opened, closed = self._hours_of(day)
            begun = max(now, opened)
            if self.is_open_on(day) and begun < closed:
                if work <= closed - begun:
                    return begun + work
                work -= closed - begun
            day += DAY
        return now + work

    def is_open_on(self, day: date) -> bool:
        return day.isoweekday() in self.days and day not in self.holidays

    def soon(self, when: Soon, now: datetime) -> datetime:
        """Return the morning of that day, or of the first working day after it."""
        today = now.astimezone(self.zone).date()
        days = {Soon.TOMORROW: 1, Soon.IN_3_DAYS: 3, Soon.NEXT_MONDAY: 8 - today.isoweekday()}
        return self.morning_of(self.working_day(today + days[when] * DAY))

    def working_day(self, day: date) -> date:
        """Return this day, or the first working day after it."""
        later = (day + number * DAY for number in range(MAX_DAYS))
        return next(filter(self.is_open_on, later), day)

    def morning_of(self, day: date) -> datetime:
        """Return nine o'clock, or when the business opens if it is closed then."""
        is_open = self.opens <= MORNING and (self.closes == MIDNIGHT or self.closes > MORNING)
        return datetime.combine(day, MORNING if is_open else self.opens, self.zone).astimezone(UTC)

    def _hours_of(self, day: date) -> tuple[datetime, datetime]:
        last = day + DAY if self.closes == MIDNIGHT else day
        opened = datetime.combine(day, self.opens, self.zone)
        closed = datetime.combine(last, self.closes, self.zone)
        return opened.astimezone(UTC), closed.astimezone(UTC)
