"""Liveness and readiness probes: `/healthz` and `/readyz`."""

import logging
from typing import Any

from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from leadsync.infra.db import connect
from monitoring.errors import frames
from monitoring.health.diagnosis import diagnose, status_of
from monitoring.health.numbers import read_vitals
from monitoring.health.parts import Parts

logger = logging.getLogger(__name__)

READINESS = "leadsync.health.readiness"
SECONDS = 0.4
"""To connect, and again to read the vital signs: the answer is there within a second."""
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
    body: dict[str, Any] = cache.get_or_set(READINESS, readiness, REMEMBERED_SECONDS) or {}
    return JsonResponse(body, status=503 if "error" in body else 200)


def readiness() -> dict[str, object]:
    """Return the body of the answer.

    A database that is newer than the code is ready: old processes work during a roll-out. So is one
    with a broken journal: that costs no message, and a load balancer must not turn it into an
    outage.
    """
    parts = Parts(seconds=SECONDS)
    try:
        connect(seconds=SECONDS)
        if missing := parts.read("migrations", _missing_migrations, 0):
            return _broken(f"{missing} migrations are missing: run `manage.py migrate`.")
        vitals = read_vitals(parts)
    except Error as error:
        logger.error("The database cannot be reached: %s", frames(error))
        return _broken("The database cannot be reached.")
    problems = list(diagnose(vitals))
    body: dict[str, object] = {"status": status_of(problems)}
    return body | ({"problems": [problem.code for problem in problems]} if problems else {})


def _missing_migrations() -> int:
    executor = MigrationExecutor(connection)
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _broken(error: str) -> dict[str, object]:
    return {"status": "broken", "error": error}
