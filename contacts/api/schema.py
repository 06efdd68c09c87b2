"""OpenAPI description of `/api/v1/leads/`."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from contacts.api.serializers import ChatMessageSerializer, LeadDetailSerializer, LeadSerializer
from leadsync.api.errors import error_responses

ERRORS = (400, 401, 403, 404, 429, 503)
ID = OpenApiParameter("id", int, OpenApiParameter.PATH)

describe_lead_views = extend_schema_view(
    list=extend_schema(
        operation_id="leads_list",
        tags=["leads"],
        summary="List leads",
        description="Leads on cursor pages, newest activity first: follow `next` until it is "
        "null. Long texts are left out; get a single lead to read them. A key bound to a "
        "workspace sees only the leads of that workspace. Scope: `leads:read`.",
        responses={200: LeadSerializer(many=True), **error_responses(*ERRORS)},
    ),
    retrieve=extend_schema(
        operation_id="leads_retrieve",
        tags=["leads"],
        summary="Get a lead",
        description="A lead with its long texts and its newest status changes and notes. "
        "Scope: `leads:read`.",
        filters=False,
        parameters=[ID],
        responses={200: LeadDetailSerializer, **error_responses(*ERRORS)},
    ),
)

describe_chat_view = extend_schema_view(
    get=extend_schema(
        operation_id="leads_chat",
        tags=["leads"],
        summary="List the chat with a lead",
        description="What was written with this lead on WhatsApp, both ways, on cursor pages, "
        "newest first. It is kept for the days that the workspace sets. Scope: `leads:read`.",
        parameters=[ID],
        responses={200: ChatMessageSerializer(many=True), **error_responses(*ERRORS)},
    ),
)
