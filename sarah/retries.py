"""When a failed sync is tried again: exponential backoff with jitter, then a person's turn."""

from datetime import timedelta

MAX_ATTEMPTS = 10
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)


def delay_after(attempts: int, *, chance: float) -> timedelta | None:
    """How long to wait after the given number of failed attempts; None: no further retry.

    `chance` in [0, 1) spreads the retries of one outage over the second half of the delay, so that
    they neither come all at once nor earlier than the backoff means.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    delay = min(FIRST_DELAY * 2 ** max(attempts - 1, 0), LONGEST_DELAY)
    return max(delay * (0.5 + chance / 2), FIRST_DELAY)
