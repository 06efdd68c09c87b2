"""The database's time, which all machines share: times that decide who has the last word are its.

A process looks at it now and then, beside its requests, and corrects its own clock.
"""

from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

DOUBT = timedelta(seconds=0.2)
"""A difference as small as this is that of the look itself."""
_difference = timedelta()


def now() -> datetime:
    """Return the database's time, as of the last look; asks nobody."""
    return timezone.now() + _difference


def measure() -> None:
    """Look at the database's clock; SQLite's is this machine's. Raises Error if it is away."""
    global _difference  # noqa: PLW0603 (one of the process)
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        asked = timezone.now()
        cursor.execute("SELECT clock_timestamp()")
        ((told,),) = cursor.fetchall()
    between = asked + (timezone.now() - asked) / 2
    difference = told - between
    _difference = difference if abs(difference) > DOUBT else timedelta()
