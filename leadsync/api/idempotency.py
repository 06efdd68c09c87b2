"""Writes that a bot may repeat: `Idempotency-Key` makes a repeat return the first answer."""

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from leadsync.api.errors import NotPossible
from leadsync.models import IdempotentAnswer

HEADER = "Idempotency-Key"
MAX_KEY = 255
IDEMPOTENCY_KEY = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="Any text of at most 255 characters that names this very write, such as a UUID. "
    "If you repeat the request with it within 24 hours, nothing is written again, and you get the "
    "first answer. A refused request may be repeated.",
)


def once(request: Request, write: Callable[[], Response]) -> Response:
    """Return the answer of `write`, or what it answered when this bot first sent this request."""
    key = request.headers.get(HEADER, "")
    if not key:
        return write()
    if len(key) > MAX_KEY:
        raise ValidationError({HEADER: f"Send at most {MAX_KEY} characters."})
    with transaction.atomic():
        # A repeat that comes in meanwhile waits here, in the database, for the first to commit.
        row, is_new = IdempotentAnswer.objects.claim(
            _digest(request.user.pk, key), _digest(request.method, request.path, request.data)
        )
        if is_new:
            answer = write()
            row.keep(answer.status_code, _as_json(answer.data))
        elif row.request != _digest(request.method, request.path, request.data):
            raise NotPossible("This Idempotency-Key was sent with another request. Make a new one.")
    return Response(row.body, status=row.status)


def _digest(*parts: Any) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _as_json(data: Any) -> Any:
    return json.loads(JSONRenderer().render(data))
