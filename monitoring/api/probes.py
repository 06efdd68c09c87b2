"""Liveness and readiness probes: `/healthz` and `/readyz`."""

import logging
from collections.abc import Iterable
from functools import cache
from typing import Any

from django.core.cache import cache as remembered
from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from leadsync.infra.db import connect
from monitoring.errors import frames
from monitoring.health.diagnosis import Vitals, diagnose
from monitoring.health.numbers import read_vitals, spooled
from monitoring.health.parts import Parts
from monitoring.health.problems import Problem, status_of

logger = logging.getLogger(__name__)

READINESS = "leadsync.health.readiness"
TO_CONNECT, TO_READ = 0.3, 0.6
"""Seconds: the answer is there within one."""
REMEMBERED_SECONDS = 2
"""How long an answer is cached, however many load balancers ask, and however often."""


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200: the process is alive. Does not ask the database."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database answers and has every migration of this code, else 503.

    A sync that is degraded or recovering is no reason to take the process out of service: also 200,
    with the codes of the problems. It tells nothing more, because anybody may ask.
    """
    body: dict[str, Any] = remembered.get_or_set(READINESS, readiness, REMEMBERED_SECONDS) or {}
    return JsonResponse(body, status=503 if "error" in body else 200)


def readiness() -> dict[str, object]:
    """Return the body of the answer.

    A database that is newer than the code is ready: old processes work during a roll-out. So is one
    with a broken journal: that costs no message, and a load balancer must not turn it into an
    outage.
    """
    parts = Parts(seconds=TO_READ)
    try:
        connect(seconds=TO_CONNECT)
        if missing := parts.read("migrations", _missing_migrations, 0):
            return _broken(f"{missing} migrations are missing: run `manage.py migrate`.")
        vitals = read_vitals(parts)
    except Error as error:
        logger.error("The database cannot be reached: %s", frames(error))
        known = Vitals(at=timezone.now(), spooled=spooled())
        return _broken("The database cannot be reached.") | _codes(diagnose(known))
    problems = list(diagnose(vitals))
    return {"status": status_of(problems)} | _codes(problems)


def _codes(problems: Iterable[Problem]) -> dict[str, object]:
    codes = [problem.code for problem in problems]
    return {"problems": codes} if codes else {}


def _missing_migrations() -> int:
    return len(_migrations() - set(MigrationRecorder(connection).applied_migrations()))


@cache
def _migrations() -> frozenset[tuple[str, str]]:
    """The migrations of this code, by app and name."""
    return frozenset(MigrationLoader(None).disk_migrations)


def _broken(error: str) -> dict[str, object]:
    return {"status": "broken", "error": error}
