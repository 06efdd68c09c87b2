"""OpenAPI descriptions of `/api/v1/sync-failures/`."""

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)

from leadsync.api.errors import error_responses
from monitoring.api.serializers import (
    ResolutionSerializer,
    ResolvedSerializer,
    RetriedSerializer,
    SelectionSerializer,
    SyncFailureDetailSerializer,
    SyncFailureSerializer,
)

TAGS = ["sync failures"]
ID = OpenApiParameter("id", int, OpenApiParameter.PATH)
READING = (400, 401, 403, 404, 429, 503)
WRITING = (400, 401, 403, 404, 409, 413, 415, 429, 503)

describe_sync_failure_views = extend_schema_view(
    list=extend_schema(
        operation_id="sync_failures_list",
        tags=TAGS,
        summary="List sync failures",
        description="What kept messages from reaching their leads, on cursor pages, last seen "
        "first: follow `next` until it is null. A repeat is counted on the open failure "
        "(`occurrences`). A key bound to a workspace sees only the failures of that workspace. "
        "Scope: `failures:read`.",
        responses={
            200: SyncFailureSerializer(many=True),
            **error_responses(*READING),
        },
    ),
    retrieve=extend_schema(
        operation_id="sync_failures_retrieve",
        tags=TAGS,
        summary="Get a sync failure",
        description="A failure with its message and, if there is one, its traceback. "
        "Scope: `failures:read`.",
        filters=False,
        parameters=[ID],
        responses={200: SyncFailureDetailSerializer, **error_responses(*READING)},
    ),
)

describe_resolve = extend_schema(
    operation_id="sync_failures_resolve",
    parameters=[ID],
    tags=TAGS,
    summary="Resolve a sync failure",
    description="Resolves it, signed with the bot's name. Its conversation is no longer retried "
    "by itself, but syncs with the bot's next message. 409 if it is resolved already. "
    "Scope: `failures:write`.",
    request=ResolutionSerializer,
    responses={200: ResolvedSerializer, **error_responses(*WRITING)},
)

describe_resolve_many = extend_schema(
    operation_id="sync_failures_resolve_many",
    tags=TAGS,
    summary="Resolve several sync failures",
    description="Resolves every open failure that matches all given criteria, and returns how "
    "many. Refused without any criterion: send `all` if you mean all. Scope: `failures:write`.",
    request=SelectionSerializer,
    examples=[
        OpenApiExample("Some", {"ids": [17, 18], "note": "Test numbers."}, request_only=True),
        OpenApiExample(
            "A kind that is long over",
            {"kind": ["contact_not_found"], "before": "2026-11-01T00:00:00Z"},
            request_only=True,
        ),
        OpenApiExample("Every one", {"all": True}, request_only=True),
    ],
    responses={200: ResolvedSerializer, **error_responses(*WRITING)},
)

describe_retry = extend_schema(
    operation_id="sync_failures_retry",
    parameters=[ID],
    tags=TAGS,
    summary="Retry a sync failure",
    description="Retries its conversation now, as it is stored. 409 if the failure is resolved "
    "already, or about what a bot sent (`invalid_payload`, `rejected_payload`): no sync can heal "
    "those. Scope: `failures:write`.",
    request=None,
    responses={200: RetriedSerializer, **error_responses(*WRITING)},
)
