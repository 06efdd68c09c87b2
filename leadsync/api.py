"""What all APIs share: keys, scopes, the shape of errors, pages."""

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import (
    Error,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
)
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiResponse
from rest_framework import exceptions, serializers, status
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import SimpleRateThrottle

from leadsync.middleware import is_api
from leadsync.models import ApiKey
from monitoring.alerting import notice_event
from monitoring.errors import frames
from monitoring.models import Cause
from monitoring.request_ids import request_id

if TYPE_CHECKING:  # DRF's views import this module, so it cannot import them
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

LOST = (OperationalError, InterfaceError)
MAX_RACES = 5

T = TypeVar("T")


class FailedAuthenticationThrottle(SimpleRateThrottle):
    """Counts failed authentications of a client address; a valid key is never throttled."""

    scope = "failed_authentication"
    rate = settings.LEADSYNC_FAILED_AUTH_RATE

    def get_cache_key(self, request: Request, view: "APIView | None") -> str:
        return f"{self.scope}:{self.get_ident(request)}"


class KeyAuthentication(BaseAuthentication):
    """A bot's key, as `Authorization: Bearer KEY` (or `Token KEY`) or `X-API-Key: KEY`.

    `request.user` is the bot's account, `request.auth` its key. One query, none for junk. A key
    that is known but not valid any more is left in `request.refused_key`: somebody should notice.
    """

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        sent = self._sent_key(request)
        key = with_second_try(lambda: ApiKey.objects.find(sent))
        if key and key.is_valid:
            self._record_use(key)
            return key.user, key
        request.refused_key = key
        if key:
            notice_event(
                Cause.REVOKED_KEY,
                subject=key.prefix,
                workspace_id=key.workspace_id,
                text="A key that is revoked or expired, or whose bot is switched off, is still in "
                f"use: {key.prefix}… of {key.user}. Nothing that it sends is saved.",
            )
        throttle: Any = FailedAuthenticationThrottle()
        if not throttle.allow_request(request, None):
            raise exceptions.Throttled(wait=throttle.wait())
        if sent:
            raise exceptions.AuthenticationFailed(
                "This key is not valid. Ask the operator for a new one (create_bot)."
            )
        raise exceptions.NotAuthenticated(
            "Send the bot's key as “Authorization: Bearer <key>” or “X-API-Key: <key>”."
        )

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _sent_key(self, request: Request) -> str:
        scheme, _, credentials = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() in ("bearer", "token") and credentials.strip():
            return credentials.strip()
        return request.headers.get("X-API-Key", "").strip()

    def _record_use(self, key: ApiKey) -> None:
        try:
            key.record_use()
        except Error as error:  # a read-only or busy database: the caller is still known
            logger.warning("The use of key %s could not be noted: %s", key.pk, frames(error))


class KeyAuthenticationScheme(OpenApiAuthenticationExtension):
    """Two headers, either of which will do."""

    target_class = KeyAuthentication
    name = ["bearer", "header"]

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[str]]]:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        description = "The bot's key (`ls_…`), made by `manage.py create_bot`."
        return [
            {"type": "http", "scheme": "bearer", "description": description},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": description},
        ]


class HasScope(BasePermission):
    """The key carries the view's `read_scope` or, for methods that write, its `write_scope`."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        reads = request.method in ("GET", "HEAD", "OPTIONS")
        scope = view.read_scope if reads else view.write_scope
        self.message = f"This key lacks the scope {scope}. Ask the operator for a key that has it."
        return request.auth is not None and request.auth.allows(scope)


class DatabaseAway(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "The database cannot be reached right now. Send the request again."
    default_code = "database_unavailable"


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """Every error under the API as JSON: `{"error", "code", "fields", "request_id"}`."""
    if isinstance(error, LOST):
        logger.error("The database cannot be reached: %s", frames(error))
        error = DatabaseAway()
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
    """The JSON of an error; `error` is a sentence, `fields` tells which input it is about."""
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

    error = serializers.CharField(help_text="A sentence.")
    code = serializers.CharField(required=False, help_text="The same for programs.")
    fields: Any = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="Sentences by input field.",
    )
    request_id = serializers.CharField(
        required=False, help_text="The same as in the header `X-Request-ID`: name it in a report."
    )


ERRORS = {
    400: "The request is not usable; `fields` says what is wrong with which input.",
    401: "The key is missing, unknown, expired or revoked.",
    403: "The key lacks the scope, or is bound to another workspace than the one named.",
    404: "Nothing is there, or the key may not see it.",
    409: "Not possible as things stand; the sentence says why.",
    413: "The body is too large.",
    415: "The body is not sent as `application/json`.",
    429: "Too many failed authentications from this address. `Retry-After` gives the seconds to "
    "wait. A valid key is never throttled.",
    503: "The database cannot be reached. Send the request again.",
}


def error_responses(*statuses: int) -> dict[int, OpenApiResponse]:
    """The answers with these statuses, for the OpenAPI schema."""
    return {status: OpenApiResponse(ErrorSerializer, ERRORS[status]) for status in statuses}


def json_or_page(page: Any, status_code: int, sentence: str, code: str) -> Any:
    """A Django error view that answers JSON under the API and Django's own `page` elsewhere."""

    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if is_api(request):
            return _refusal(sentence, code, status_code)
        return page(request, *args, **kwargs)

    return view


@csrf_exempt
def not_found(request: HttpRequest) -> JsonResponse:
    """What answers under the API where nothing else does, also with DEBUG on."""
    return _refusal("There is nothing here.", "not_found", 404)


def _refusal(sentence: str, code: str, status_code: int) -> JsonResponse:
    body = {"error": sentence, "code": code, "request_id": request_id.get()}
    return JsonResponse(body, status=status_code)


def with_second_try(run: Callable[[], T]) -> T:
    """The result of `run`, which is called once more, on a fresh connection, if the database drops
    the first or picks it as the victim of a deadlock: the bot itself never sends anything twice.

    A row that another request has put in first is no failure of the database: `run` finds it at its
    next call, and each such race has a winner.
    """
    for _race in range(MAX_RACES):
        try:
            return run()
        except IntegrityError:
            continue
        except LOST:
            connection.close()
            break
    return run()
