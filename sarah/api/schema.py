"""OpenAPI description of `/sarah/state`."""

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema,
    extend_schema_view,
)

from leadsync.api.errors import error_responses
from sarah.api.serializers import BLANK_STATE, MessageSerializer, ReceiptSerializer, StateSerializer

READING = """\
Sarah's memory of the conversation with this phone. A phone without a conversation gets a blank
memory: the first six fields only; nothing is created. Works with and without a slash at the end;
nothing redirects.

`"paused": true` is there as long as a person has taken the lead over: then Sarah says nothing. What
she is told meanwhile may be saved as ever.

Scope: `states:write`. A key bound to a workspace reads only there; naming another workspace is
refused with 403.
"""
WRITING = """\
Creates or updates the conversation with this phone. Works with and without a slash at the end; the
body is read as JSON whatever its Content-Type says. Scope: `states:write`.

**200 means committed.** (Or safe on the server's disk, while the database cannot take it.) `sync`
says whether the message has also reached the lead. If not, `syncReason` says why, and the
conversation syncs by itself as soon as the reason is gone:

| `syncReason` | what it means |
|---|---|
| `contact_not_found` | no lead has this phone yet |
| `ambiguous_contact` | no workspace was named, and the phone is a lead in several |
| `workspace_not_found` | no workspace has this slug or Kapso `phone_number_id` |
| `excluded` | the lead opted out, or the phone is a test number: no failure, nothing is copied |
| `sync_error` | something failed on our side; it is recorded and retried |
| `stored_for_later` | the database is away, full or locked; the message comes in once it is back |

New reasons may be added.

**Absent fields keep their value.** A field that is absent or null keeps its stored value; on the
first message it takes the default that GET shows. `extracted_data` is merged key by key: an empty
text or list never replaces a value. An explicit `0` or `greeting` is a value. Sending the same
message again changes nothing but times.

**What can be used is saved.** A field with an unusable value is left out, scores are rounded and
clamped, texts cut and cleaned; everything else is saved. `warnings` then says by field what was
wrong and what we did, and a failure of kind `invalid_payload` is recorded for a person to see.

**Late messages.** A `message_count` lower than the stored one means that the message is late, or
that the bot has lost its memory. Then facts only fill what is empty, the state moves forward or not
at all, and score, temperature, language, `message_count` and `last_message_at` keep their stored
values. The answer is a normal 200 with `warnings.message_count`, and the next GET gives the bot its
memory back.

**Replayed messages** carry the header `X-LeadSync-Replayed`. Of somebody who was erased since,
nothing is saved then: `excluded`.

**Refused** are only bodies that are not a JSON object or are over 64 KiB, and bodies without a
usable `contact_phone`. What a known bot sent is then kept for 7 days, also if we fail on it (500):
a failure of kind `rejected_payload` counts it, and it can be sent again once all is right.
"""
MEMORY = {
    "state": "qualifying",
    "lead_score": 55,
    "lead_temperature": "warm",
    "extracted_data": {
        "name": "Budi",
        "business_type": "kedai kopi",
        "team_size": 5,
        "pain_points": ["stok sering habis"],
        "goals": "buka cabang kedua",
    },
    "language": "id",
    "message_count": 3,
}
EXAMPLES_OF_GET = [
    OpenApiExample(
        "A known phone",
        MEMORY
        | {
            "contact_phone": "+6281234567890",
            "workspace_id": "default",
            "created_at": "2026-11-22T03:15:00Z",
            "updated_at": "2026-11-22T03:19:30Z",
            "last_message_at": "2026-11-22T03:19:29Z",
        },
        response_only=True,
        status_codes=[200],
    ),
    OpenApiExample("An unknown phone", BLANK_STATE, response_only=True, status_codes=[200]),
    OpenApiExample(
        "No phone",
        {"error": "contact_phone is required", "code": "invalid"},
        response_only=True,
        status_codes=[400],
    ),
]
EXAMPLES_OF_POST = [
    OpenApiExample(
        "A message",
        {"contact_phone": "6281234567890", "workspace_id": "default"} | MEMORY,
        request_only=True,
    ),
    OpenApiExample(
        "Only what changed",
        {"contact_phone": "0812-3456-7890", "state": "handoff", "lead_score": 80},
        request_only=True,
    ),
    OpenApiExample(
        "Synced", {"success": True, "sync": True}, response_only=True, status_codes=[200]
    ),
    OpenApiExample(
        "Saved, not synced yet",
        {"success": True, "sync": False, "syncReason": "contact_not_found"},
        response_only=True,
        status_codes=[200],
    ),
    OpenApiExample(
        "Stored on disk while the database is away",
        {"success": True, "sync": False, "syncReason": "stored_for_later"},
        response_only=True,
        status_codes=[200],
    ),
    OpenApiExample(
        "Saved without a field",
        {
            "success": True,
            "sync": True,
            "warnings": {"language": "language is not one of id, en; we left it out."},
        },
        response_only=True,
        status_codes=[200],
    ),
]

describe_state_view = extend_schema_view(
    get=extend_schema(
        operation_id="state_retrieve",
        tags=["sarah"],
        summary="Read Sarah's memory",
        description=READING,
        parameters=[
            OpenApiParameter(
                "contact_phone",
                description="Any spelling: `6281234567890`, `+62 812-3456-7890`, `0812 3456 7890`. "
                "This or the id is required.",
            ),
            OpenApiParameter(
                "business_scoped_user_id",
                description="WhatsApp's id of a person who may hide the number.",
            ),
            OpenApiParameter(
                "workspace_id", description="The workspace's slug or its Kapso `phone_number_id`."
            ),
        ],
        examples=EXAMPLES_OF_GET,
        responses={200: StateSerializer, **error_responses(400, 401, 403, 404, 429, 503)},
    ),
    post=extend_schema(
        operation_id="state_update",
        tags=["sarah"],
        summary="Save what Sarah says",
        description=WRITING,
        request=MessageSerializer,
        examples=EXAMPLES_OF_POST,
        responses={200: ReceiptSerializer, **error_responses(400, 401, 403, 404, 413, 429, 503)},
    ),
)
