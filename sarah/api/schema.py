"""The description of `/sarah/state` in the OpenAPI schema."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from leadsync.api import error_responses
from sarah.api.serializers import MessageSerializer, ReceiptSerializer, StateSerializer

describe_state_view = extend_schema_view(
    get=extend_schema(
        operation_id="state_retrieve",
        parameters=[
            OpenApiParameter("contact_phone", required=True, description="Any spelling."),
            OpenApiParameter("workspace_id", description="Slug or Kapso phone_number_id."),
        ],
        responses={200: StateSerializer, **error_responses(400, 401, 403, 429, 503)},
    ),
    post=extend_schema(
        operation_id="state_update",
        request=MessageSerializer,
        responses={200: ReceiptSerializer, **error_responses(400, 401, 403, 413, 429, 503)},
    ),
)
