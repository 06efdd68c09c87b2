"""API errors as JSON: `{"error", "code", "fields", "request_id"}`."""

import logging
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiResponse
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.settings import api_settings

from leadsync.error_pages import error_page
from leadsync.infra.bodies import BodyTooLarge
from leadsync.infra.db import is_unavailable
from leadsync.infra.requests import is_api, request_id
from leadsync.infra.spool import SpoolUnavailable
from monitoring.errors import frames

logger = logging.getLogger(__name__)


class DatabaseAway(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database cannot be reached right now. Send the request again."
    default_code = "database_unavailable"


class NotPossible(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class PayloadTooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "payload_too_large"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Turn every exception under the API into JSON."""
    if is_unavailable(error) or isinstance(error, SpoolUnavailable):
        logger.error("The database cannot be reached: %s", frames(error))
        error = DatabaseAway()
    elif isinstance(error, BodyTooLarge):
        error = PayloadTooLarge(str(error))
    elif isinstance(error, SuspiciousOperation):  # such as over a thousand parameters
        error = exceptions.ParseError("The request is not usable. Send less of it.")
    elif isinstance(error, Http404):
        error = exceptions.NotFound()
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif not isinstance(error, exceptions.APIException):
        logger.error("%s failed: %s", type(context["view"]).__name__, frames(error))
        error = exceptions.APIException("Something went wrong on our side. It has been logged.")
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait) + 1)
    body = error_body(error) | {"request_id": request_id.get()}
    return Response(body, status=error.status_code, headers=headers)


def error_body(error: exceptions.APIException) -> dict[str, Any]:
    """Return the JSON of an error: a sentence, and which input it is about."""
    if isinstance(error, exceptions.ValidationError) and isinstance(error.detail, dict):
        fields = {
            name: [str(item) for item in (items if isinstance(items, list) else [items])]
            for name, items in error.detail.items()
        }
        name, sentences = next(iter(fields.items()))
        about = "" if name == api_settings.NON_FIELD_ERRORS_KEY else f"{name}: "
        return {"error": f"{about}{sentences[0]}", "code": "invalid", "fields": fields}
    detail = error.detail[0] if isinstance(error.detail, list) else error.detail
    return {"error": str(detail), "code": getattr(detail, "code", error.default_code)}


class ErrorSerializer(serializers.Serializer):
    """Why a request was refused."""

    error = serializers.CharField(help_text="What went wrong, in one sentence.")
    code = serializers.CharField(required=False, help_text="The error as a code, for programs.")
    fields: Any = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="What is wrong with each input, by its name.",
    )
    request_id = serializers.CharField(
        required=False, help_text="As in the header `X-Request-ID`: quote it in a report."
    )


ERRORS = {
    400: "The request is invalid; `fields` says what is wrong with which input.",
    401: "The key is missing, unknown, expired or revoked.",
    403: "The key lacks the scope, or is bound to another workspace than the one named.",
    404: "Not found, or the key may not see it.",
    409: "Not possible; `error` says why.",
    413: "The body is too large.",
    415: "The `Content-Type` is not `application/json`.",
    429: "Too many failed authentications from this address. `Retry-After` gives the seconds to "
    "wait. A valid key is never throttled.",
    503: "The database cannot be reached, nor can a message be stored on this server's disk. Send "
    "the request again.",
}


def error_responses(*statuses: int) -> dict[int, OpenApiResponse]:
    """Return the answers with these statuses, for OpenAPI."""
    return {status: OpenApiResponse(ErrorSerializer, ERRORS[status]) for status in statuses}


def json_or_page(status: int, sentence: str, code: str) -> Callable[..., HttpResponse]:
    """Return Django's view for this status: `sentence` as JSON under the API, else a page."""

    def view(request: HttpRequest, *_args: object, **_options: object) -> HttpResponse:
        return refusal(sentence, code, status) if is_api(request) else error_page(request, status)

    return view


@csrf_exempt
def not_found(request: HttpRequest) -> JsonResponse:
    """Answer 404 under the API where nothing else answers, also with DEBUG on."""
    return refusal("There is nothing here.", "not_found", 404)


def refusal(sentence: str, code: str, status_code: int) -> JsonResponse:
    """The JSON of an error, for views that are not DRF's."""
    body = {"error": sentence, "code": code, "request_id": request_id.get()}
    return JsonResponse(body, status=status_code)
