"""OpenAPI description of `/api/v1/leads/`."""

from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view

from contacts.api.serializers import (
    ChatMessageSerializer,
    DigestQuerySerializer,
    DigestSerializer,
    LeadDetailSerializer,
    LeadSerializer,
    MovedLeadSerializer,
    MoveSerializer,
    NewNoteSerializer,
    StatsSerializer,
    TimelineSerializer,
    WrittenNoteSerializer,
)
from leadsync.api.errors import error_responses
from leadsync.api.idempotency import IDEMPOTENCY_KEY

ERRORS = (400, 401, 403, 404, 429, 503)
CURSOR = OpenApiParameter("cursor", str, description="Where the page begins: use `next` unchanged.")
PAGE_SIZE = OpenApiParameter("page_size", int, description="Entries per page, at most 200.")
WORKSPACE = OpenApiParameter("workspace", str, description="The workspace's slug.")
WRITING = (400, 401, 403, 404, 409, 413, 429, 503)
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

describe_status_view = extend_schema_view(
    post=extend_schema(
        operation_id="leads_move",
        tags=["leads"],
        summary="Move a lead",
        description="Changes the status of a lead, signed with the bot's account. Bots move a "
        "lead forward only (new, qualified, contacted, converted), any number of steps, or to the "
        "archive unless it is converted; 409 says what is allowed instead. To name the present "
        "status is no error. A lead that a bot moves to contacted still waits for a person. "
        "Scope: `leads:write`.",
        parameters=[ID, IDEMPOTENCY_KEY],
        request=MoveSerializer,
        responses={200: MovedLeadSerializer, **error_responses(*WRITING)},
    ),
)

describe_notes_view = extend_schema_view(
    post=extend_schema(
        operation_id="leads_note",
        tags=["leads"],
        summary="Write a note on a lead",
        description="Adds a note, signed with the bot's account. The lead itself tells its notes. "
        "Scope: `leads:write`.",
        parameters=[ID, IDEMPOTENCY_KEY],
        request=NewNoteSerializer,
        responses={201: WrittenNoteSerializer, **error_responses(*WRITING)},
    ),
)

describe_timeline_view = extend_schema_view(
    get=extend_schema(
        operation_id="leads_timeline",
        tags=["leads"],
        summary="Tell what happened with a lead",
        description="Notes, changes of the status, what Sarah posted (with what it changed, such "
        "as the score, and how its sync went), the WhatsApp chat, next steps, what people edited, "
        "sync failures and assignments, newest first, on cursor pages. Scope: `leads:read`.",
        parameters=[ID, CURSOR, PAGE_SIZE],
        responses={200: TimelineSerializer, **error_responses(*ERRORS)},
    ),
)

describe_stats_view = extend_schema_view(
    get=extend_schema(
        operation_id="leads_stats",
        tags=["leads"],
        summary="Count leads",
        description="How many leads there are, by status, standing and temperature, how many are "
        "new (days begin at midnight in the workspace's time zone), and why some were archived. "
        "Scope: `leads:read`.",
        parameters=[WORKSPACE],
        responses={200: StatsSerializer, **error_responses(*ERRORS)},
    ),
)

describe_digest_view = extend_schema_view(
    get=extend_schema(
        operation_id="leads_digest",
        tags=["leads"],
        summary="Tell the day or week of the leads",
        description="A text for WhatsApp: how many leads are new, who waits for a person, who is "
        "hot, and what failed, in the last 24 hours or 7 days. Scope: `leads:read`.",
        parameters=[DigestQuerySerializer, WORKSPACE],
        responses={200: DigestSerializer, **error_responses(*ERRORS)},
    ),
)
