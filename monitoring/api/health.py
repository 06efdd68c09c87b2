"""`/api/v1/sync-health/`: the health of the sync, for programs."""

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from leadsync.api.errors import error_responses
from leadsync.api.lists import asked_workspace
from leadsync.models import Scope
from monitoring.health.numbers import REMEMBERED_SECONDS, WINDOWS_REMEMBERED_SECONDS, recent_health
from monitoring.health.serializers import SyncHealthSerializer

DESCRIPTION = f"""
Messages and their outcomes in the last hour, day and week, the backlog, the workers, and what is
wrong, in sentences. At most {REMEMBERED_SECONDS} seconds old, the windows
{WINDOWS_REMEMBERED_SECONDS}. Counts of the backlog stop at 10001, which means more than 10,000. A
part whose table is locked or broken is null and named in `unreadable`.

A key bound to a workspace sees only the numbers of that workspace; other keys may name one.
Scope: `failures:read`.
"""


class SyncHealthView(APIView):
    read_scope = write_scope = Scope.FAILURES_READ

    @extend_schema(
        operation_id="sync_health",
        tags=["sync failures"],
        summary="Get the health of the sync",
        description=DESCRIPTION,
        parameters=[OpenApiParameter("workspace", description="A workspace's slug.")],
        responses={200: SyncHealthSerializer, **error_responses(400, 401, 403, 404, 429, 503)},
    )
    def get(self, request: Request) -> Response:
        """Return the numbers of the key's workspace, else of the one that is named, else of all."""
        return Response(SyncHealthSerializer(recent_health(asked_workspace(request))).data)
