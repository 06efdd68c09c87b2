"""Working time: weekends, holidays, changes of the clock, and the last minutes of a day."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from contacts.worktime import MIDNIGHT, Soon, WorkTime

JAKARTA, BERLIN = ZoneInfo("Asia/Jakarta"), ZoneInfo("Europe/Berlin")
OFFICE = WorkTime(zone=JAKARTA)
SIX_DAYS = WorkTime(zone=JAKARTA, days=frozenset({1, 2, 3, 4, 5, 6}))
CHRISTMAS = WorkTime(zone=JAKARTA, holidays=frozenset({date(2026, 12, 24), date(2026, 12, 25)}))
ALWAYS = WorkTime(zone=BERLIN, days=frozenset(range(1, 8)), opens=MIDNIGHT, closes=MIDNIGHT)
NIGHT = WorkTime(zone=JAKARTA, days=frozenset(range(1, 8)), opens=time(16), closes=MIDNIGHT)
NEVER = WorkTime(zone=JAKARTA, days=frozenset())


@pytest.mark.parametrize(
    ("hours", "start", "minutes", "end"),
    [
        (OFFICE, "2026-11-27 10:00", 15, "2026-11-27 10:15"),
        (OFFICE, "2026-11-27 16:45", 15, "2026-11-27 17:00"),
        (OFFICE, "2026-11-26 16:55", 15, "2026-11-27 09:10"),
        (OFFICE, "2026-11-27 16:55", 15, "2026-11-30 09:10"),  # a Friday
        (OFFICE, "2026-11-27 17:00", 15, "2026-11-30 09:15"),
        (OFFICE, "2026-11-28 12:00", 15, "2026-11-30 09:15"),
        (OFFICE, "2026-11-27 03:00", 120, "2026-11-27 11:00"),
        (OFFICE, "2026-11-27 16:00", 600, "2026-12-01 10:00"),
        (SIX_DAYS, "2026-11-27 16:55", 15, "2026-11-28 09:10"),
        (CHRISTMAS, "2026-12-23 16:55", 15, "2026-12-28 09:10"),
        (ALWAYS, "2026-11-28 23:50", 15, "2026-11-29 00:05"),
        (ALWAYS, "2026-03-29 01:50", 15, "2026-03-29 03:05"),  # the clock goes forward
        (ALWAYS, "2026-10-25 01:50", 120, "2026-10-25 02:50"),  # and back
        (NIGHT, "2026-11-27 23:50", 15, "2026-11-28 16:05"),
        (NEVER, "2026-11-27 10:00", 15, "2026-11-27 10:15"),
    ],
)
def test_working_time_passes_only_while_the_business_is_open(
    hours: WorkTime, start: str, minutes: int, end: str
) -> None:
    begun = datetime.fromisoformat(start).replace(tzinfo=hours.zone)

    ended = hours.after(begun, timedelta(minutes=minutes)).astimezone(hours.zone)

    assert ended.strftime("%Y-%m-%d %H:%M") == end


@pytest.mark.parametrize(
    ("hours", "now", "when", "morning"),
    [
        (OFFICE, "2026-11-25 20:00", Soon.TOMORROW, "2026-11-26 09:00"),
        (OFFICE, "2026-11-27 10:00", Soon.TOMORROW, "2026-11-30 09:00"),  # a Friday
        (SIX_DAYS, "2026-11-27 10:00", Soon.TOMORROW, "2026-11-28 09:00"),
        (OFFICE, "2026-11-24 10:00", Soon.IN_3_DAYS, "2026-11-27 09:00"),
        (OFFICE, "2026-11-25 10:00", Soon.IN_3_DAYS, "2026-11-30 09:00"),
        (OFFICE, "2026-11-27 10:00", Soon.NEXT_MONDAY, "2026-11-30 09:00"),
        (OFFICE, "2026-11-30 08:00", Soon.NEXT_MONDAY, "2026-12-07 09:00"),
        (CHRISTMAS, "2026-12-23 10:00", Soon.TOMORROW, "2026-12-28 09:00"),
        (NIGHT, "2026-11-25 10:00", Soon.TOMORROW, "2026-11-26 16:00"),
        (NEVER, "2026-11-25 10:00", Soon.TOMORROW, "2026-11-26 09:00"),
    ],
)
def test_a_next_step_is_planned_for_the_morning_of_a_working_day(
    hours: WorkTime, now: str, when: Soon, morning: str
) -> None:
    planned = hours.soon(when, datetime.fromisoformat(now).replace(tzinfo=hours.zone))

    assert planned.astimezone(hours.zone).strftime("%Y-%m-%d %H:%M") == morning


def test_tomorrow_is_tomorrow_where_the_business_is() -> None:
    late_in_london = datetime.fromisoformat("2026-11-25T20:00:00+00:00")  # 3:00 in Jakarta

    assert OFFICE.soon(Soon.TOMORROW, late_in_london).astimezone(JAKARTA).day == 27
