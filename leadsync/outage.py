"""What a server process knows while the database is away: that it is, the keys used lately, and how
many messages it had to refuse."""

import logging
import time
from contextlib import suppress
from threading import Lock

from django.contrib.auth.models import User

from leadsync import keys
from leadsync.infra import spool
from leadsync.models import ApiKey, Scope

logger = logging.getLogger(__name__)

ASKED_AGAIN_AFTER = 1.0
"""Seconds for which messages do not ask again: each would hold up a thread as long."""
WRITTEN_EVERY = 60.0
"""Seconds."""

_away_until = 0.0
_scopes: dict[str, tuple[str, float]] = {}
"""Of keys that this process has seen, and when last, by digest."""
_written_at: dict[str, float] = {}
_uncounted = spool.Refusals()
"""Refused messages that not even the spool could count."""
_counting = Lock()


def begin() -> None:
    """Note that the database has just been found away."""
    global _away_until  # noqa: PLW0603 (one for the process)
    _away_until = time.monotonic() + ASKED_AGAIN_AFTER


def end() -> None:
    """Note that the database answers."""
    global _away_until  # noqa: PLW0603
    _away_until = 0.0


def is_fresh() -> bool:
    return time.monotonic() < _away_until


def remember(key: ApiKey) -> None:
    """Know this valid key for ten minutes on this machine, whatever happens to the database.

    Writes at most once a minute in each process; a failure is logged and costs nothing.
    """
    if key.is_remembered or not key.allows(Scope.STATES_WRITE):
        return
    now = time.time()
    _scopes[key.digest] = key.scopes, now
    if now < _written_at.get(key.digest, 0.0) + WRITTEN_EVERY:
        return
    _written_at[key.digest] = now
    try:
        spool.remember_key(key.digest, scopes=key.scopes, now=now)
    except spool.SpoolUnavailable as error:
        logger.warning("Key %s could not be remembered: %s", key.pk, error)


def remembered(sent: str) -> ApiKey | None:
    """Return the sent key if it was valid within the last ten minutes, as far as it is known."""
    if not keys.is_wellformed(sent):
        return None
    digest, now = keys.digest(sent), time.time()
    scopes, used_at = _scopes.get(digest, ("", 0.0))
    if now > used_at + spool.KEYS_KEPT:
        try:
            scopes = spool.scopes_of(digest, now=now)
        except spool.SpoolUnavailable as error:
            logger.warning("Keys cannot be remembered: %s", error)
            return None
    if not scopes:
        return None
    key = ApiKey(digest=digest, prefix=keys.shown_part(sent), scopes=scopes, user=User())
    key.is_remembered = True
    return key


def count_refusal() -> None:
    """Count a message that was answered 503, so that people hear of it afterwards."""
    global _uncounted  # noqa: PLW0603
    with _counting:
        now, count = time.time(), _uncounted.count + 1
        first_at = _uncounted.first_at or now
        _uncounted = spool.Refusals(count=count, first_at=first_at, last_at=now)
    move_refusals_to_spool()


def move_refusals_to_spool() -> None:
    """Let any process report them, also if this one is killed; they stay here if that fails."""
    global _uncounted  # noqa: PLW0603
    with _counting, suppress(spool.SpoolUnavailable):
        if _uncounted.count:
            spool.count_refusals(_uncounted)
            _uncounted = spool.Refusals()
