"""Where people are logged in, and logging them out elsewhere."""

import re
from typing import Any

from django.contrib.auth import SESSION_KEY, login
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone

from leadsync.infra.db import BATCH_SIZE, batches
from leadsync.infra.requests import client_address
from leadsync.models import LogIn

BACKEND = "django.contrib.auth.backends.ModelBackend"
BROWSERS = ("Edg", "OPR", "Firefox", "Chrome", "Safari")
"""In this order: each but Firefox names those after it as well."""
SYSTEMS = ("Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux")
SHOWN = {"Edg": "Edge", "OPR": "Opera", "Mac OS": "macOS"}


def log_in(request: Any, user: User) -> None:
    """Log this person in, and note where: who has shown who they are."""
    login(request, user, backend=BACKEND)
    LogIn.objects.filter(user=user).exclude(session_key__in=_alive(user)).delete()
    LogIn.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "address": client_address(request),
            "browser": browser_of(request.headers.get("User-Agent", "")),
            "at": timezone.now(),
        },
    )


def log_ins_of(user: User) -> list[LogIn]:
    """Where this person is logged in now, the latest first."""
    return list(LogIn.objects.filter(user=user, session_key__in=_alive(user)))


def log_out_elsewhere(user: User, *, session_key: str | None) -> int:
    """End all sessions of this person but this one; returns how many."""
    others = Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=session_key)
    # All of them are read: those of before this release are noted nowhere else.
    theirs = [
        one.pk
        for one in others.iterator(chunk_size=BATCH_SIZE)
        if one.get_decoded().get(SESSION_KEY) == str(user.pk)
    ]
    for some in batches(theirs):
        Session.objects.filter(pk__in=list(some)).delete()
    LogIn.objects.filter(user=user).exclude(session_key=session_key).delete()
    return len(theirs)


def browser_of(agent: str) -> str:
    """Name browser and system, as far as they say; blank if they say neither."""
    browser = next((one for one in BROWSERS if re.search(rf"\b{one}\w*/", agent)), "")
    system = next((one for one in SYSTEMS if one in agent), "")
    return ", ".join(SHOWN.get(one, one) for one in (browser, system) if one)


def _alive(user: User) -> list[str]:
    keys = LogIn.objects.filter(user=user).values("session_key")
    alive = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return list(alive.values_list("session_key", flat=True))
