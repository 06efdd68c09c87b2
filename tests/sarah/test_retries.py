"""When a failed sync is tried again."""

from datetime import timedelta
from itertools import pairwise

import pytest

from sarah.retries import delay_after

CHANCES = (0.0, 0.25, 0.5, 0.999)


def attempts() -> list[int]:
    """The numbers of failed attempts after which there is another one."""
    return [number for number in range(1, 100) if delay_after(number, chance=0.5)]


@pytest.mark.parametrize("chance", CHANCES)
def test_retries_begin_after_a_minute_and_slow_down_to_six_hours(chance):
    delays = [delay_after(number, chance=chance) for number in attempts()]

    assert delays[0] == timedelta(minutes=1)
    assert all(one <= other <= 2.5 * one for one, other in pairwise(delays))
    assert timedelta(hours=2) < delays[-1] <= timedelta(hours=6)


def test_the_retries_of_one_outage_are_spread():
    spread = {delay_after(5, chance=chance) for chance in CHANCES}

    assert len(spread) == len(CHANCES)


def test_after_several_attempts_a_person_has_to_look():
    last = max(attempts())

    assert attempts() == list(range(1, last + 1))
    assert 5 < last < 50
    assert delay_after(last + 1, chance=0.5) is None
