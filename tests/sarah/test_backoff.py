"""When a failed sync is retried."""

from datetime import timedelta
from itertools import pairwise

from sarah.backoff import delay_after


def attempts() -> list[int]:
    """The numbers of failures after which there is a retry."""
    return [number for number in range(1, 100) if delay_after(number, chance=0.5)]


def test_retries_begin_within_a_minute_and_slow_down_to_six_hours():
    longest = [delay_after(number, chance=1.0) for number in attempts()]

    assert longest[0] == timedelta(minutes=1)
    assert all(one <= other <= 2 * one for one, other in pairwise(longest))
    assert longest[-1] == timedelta(hours=6)


def test_the_retries_of_one_outage_are_spread():
    spread = [delay_after(5, chance=chance) for chance in (0.0, 0.25, 0.5, 1.0)]

    assert spread == [timedelta(minutes=minutes) for minutes in (0, 4, 8, 16)]


def test_after_several_attempts_a_person_has_to_look():
    last = max(attempts())

    assert attempts() == list(range(1, last + 1))
    assert last == 10
    assert delay_after(last + 1, chance=0.5) is None
