"""Whether this process is alive, and whether it can do its work."""

from typing import Any

from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from sarah.diagnosis import diagnose
from sarah.health import Status, read_vitals

READINESS = "leadsync.health.readiness"
REMEMBERED_SECONDS = 2
"""However many balancers ask, and however often."""


def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: 200, without asking the database."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: 200 if the database answers and has every migration of this code, else 503.

    A sync that is degraded is no reason to take the process out of service: also 200, with the
    codes of its problems. Nothing more, since anybody may ask.
    """
    body: dict[str, Any] = cache.get_or_set(READINESS, readiness, REMEMBERED_SECONDS) or {}
    return JsonResponse(body, status=503 if "error" in body else 200)


def readiness() -> dict[str, object]:
    """The body of the answer.

    A database that is newer than the code is ready: the old processes of a roll-out still work.
    """
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
        if missing:
            return _broken(f"{len(missing)} migrations are missing: run `manage.py migrate`.")
        codes = [problem.code for problem in diagnose(read_vitals())]
    except Error:
        return _broken("The database cannot be reached.")
    if codes:
        return {"status": Status.DEGRADED, "problems": codes}
    return {"status": Status.OK}


def _broken(error: str) -> dict[str, object]:
    return {"status": "broken", "error": error}
