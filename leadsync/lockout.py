"""Slows down and locks out who guesses passwords at the admin's log-in: by account and by address.

django-axes notes the failed log-ins in the database, so that all processes count them together.
Who has to wait is refused before a password is hashed: hashing takes a processor for half a second.
"""

from datetime import datetime, timedelta
from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.helpers import get_client_username
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.db.models import Max, QuerySet, Sum
from django.utils import timezone

ACCOUNT_TRIES, ADDRESS_TRIES = 5, 10
"""Wrong passwords before the first wait. People of one office share an address."""
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


class Handler(AxesDatabaseHandler):
    """Axes' handler, with waits that grow, and without a way to shut an account's people out."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Return 1, Axes' limit, if this client has to wait."""
        return int(free_at(request, credentials) > timezone.now())

    def reset_user_attempts(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Forget only what this account got wrong from this address: others may be guessing."""
        username = get_client_username(request, credentials)
        here = AccessAttempt.objects.filter(username=username, ip_address=request.axes_ip_address)
        count, _by_model = here.delete()
        return count


def free_at(request: Any, credentials: dict[str, Any] | None = None) -> datetime:
    """Return when this client may try again to log in to this account; a past time: now.

    If the account has logged in from this address before, only what was tried from here counts:
    whoever guesses elsewhere cannot shut its people out.
    """
    username, address = get_client_username(request, credentials), request.axes_ip_address
    recent = AccessAttempt.objects.filter(
        attempt_time__gte=timezone.now() - settings.AXES_COOLOFF_TIME
    )
    of_account = recent.filter(username=username)
    if AccessLog.objects.filter(username=username, ip_address=address).exists():
        of_account = of_account.filter(ip_address=address)
    free = _free_at(of_account, tries=ACCOUNT_TRIES)
    if address is None:
        return free
    return max(free, _free_at(recent.filter(ip_address=address), tries=ADDRESS_TRIES))


def wait_after(failures: int, *, tries: int) -> timedelta:
    """Return how long to wait after so many wrong passwords: each doubles it. Pure."""
    if failures < tries:
        return timedelta()
    return min(FIRST_WAIT * 2 ** min(failures - tries, 10), LONGEST_WAIT)


def in_logs(*_client: Any) -> str:
    """Name a client in Axes' log lines: no name and no address."""
    return "somebody"


def _free_at(attempts: QuerySet[AccessAttempt], *, tries: int) -> datetime:
    said = attempts.aggregate(count=Sum("failures_since_start"), last=Max("attempt_time"))
    last: datetime = said["last"] or timezone.now()
    return last + wait_after(said["count"] or 0, tries=tries)
