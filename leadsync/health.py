"""Whether this process is alive, and whether it can do its work."""

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse


def healthz(request: HttpRequest) -> JsonResponse:
    """Alive: 200, without asking the database."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: 200 if the database answers and has every migration of this code, else 503.

    A database that is newer than the code is ready: the old processes of a roll-out still work.
    """
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return JsonResponse({"error": "The database cannot be reached."}, status=503)
    if missing:
        return JsonResponse(
            {"error": f"{len(missing)} migrations are missing: run `manage.py migrate`."},
            status=503,
        )
    return JsonResponse({"status": "ok"})
