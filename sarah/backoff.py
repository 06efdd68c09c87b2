"""When a failed sync is retried: exponential backoff with full jitter, then never by itself."""

from datetime import timedelta

MAX_ATTEMPTS = 10
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)


def delay_after(attempts: int, *, chance: float) -> timedelta | None:
    """Return how long to wait after this many failed attempts; None: no further retry.

    The backoff doubles from one minute to six hours. `chance` in [0, 1) is the share of it to wait:
    full jitter, which spreads the retries of one outage best.
    """
    if attempts >= MAX_ATTEMPTS:
        return None
    return chance * min(FIRST_DELAY * 2 ** max(attempts - 1, 0), LONGEST_DELAY)
