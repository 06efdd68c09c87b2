"""When a failed sync is retried: exponential backoff with full jitter, ten retries."""

from datetime import timedelta

RETRIES = 10
FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(hours=6)


def delay_after(failures: int, *, chance: float) -> timedelta | None:
    """Return how long to wait after the sync has failed so often; None: no further retry.

    The backoff doubles from one minute to six hours. `chance` in [0, 1) is the share of it that is
    waited: full jitter spreads the retries of one outage best.
    """
    if failures > RETRIES:
        return None
    return chance * min(FIRST_DELAY * 2 ** max(failures - 1, 0), LONGEST_DELAY)
