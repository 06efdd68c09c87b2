"""Liveness and readiness probes: `/healthz` and `/readyz`."""

import logging
from typing import Any

from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from monitoring.errors import frames
from monitoring.health.diagnosis import diagnose
from monitoring.health.numbers import Status, read_vitals

logger = logging.getLogger(__name__)

READINESS = "leadsync.health.readiness"
REMEMBERED_SECONDS = 2
"""How long an answer is cached, however many load balancers ask, and however often."""
UNREADABLE = "health_unreadable"
"""The problem that the database answers, but the data of monitoring cannot be read."""


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200: the process is alive. Does not ask the database."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if the database answers and has every migration of this code, else 503.

    A degraded sync is no reason to take the process out of service: also 200, with the codes of the
    problems. It tells nothing more, because anybody may ask.
    """
    body: dict[str, Any] = cache.get_or_set(READINESS, readiness, REMEMBERED_SECONDS) or {}
    return JsonResponse(body, status=503 if "error" in body else 200)


def readiness() -> dict[str, object]:
    """Return the body of the answer.

    A database that is newer than the code is ready: old processes work during a roll-out. So is one
    with a broken journal: that costs no message, and a load balancer must not turn it into an
    outage.
    """
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return _broken(f"{len(missing)} migrations are missing: run `manage.py migrate`.")
    except Error:
        return _broken("The database cannot be reached.")
    try:
        codes = [str(problem.code) for problem in diagnose(read_vitals())]
    except Error as error:
        logger.error("The health of the sync cannot be read: %s", frames(error))
        codes = [UNREADABLE]
    if codes:
        return {"status": Status.DEGRADED, "problems": codes}
    return {"status": Status.OK}


def _broken(error: str) -> dict[str, object]:
    return {"status": "broken", "error": error}
