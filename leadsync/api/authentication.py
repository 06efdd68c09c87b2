"""API authentication: keys, scopes, and throttling of failed attempts."""

import logging
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import Error, OperationalError
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from leadsync import outage
from leadsync.infra.db import LOST, with_second_try
from leadsync.models import ApiKey
from monitoring.alerts.announce import notice_key
from monitoring.errors import frames
from monitoring.models import AlertKind

if TYPE_CHECKING:  # DRF's views import this module, so it cannot import them
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)


class FailedAuthenticationThrottle(SimpleRateThrottle):
    """Throttles failed authentications per client address; a valid key is never throttled."""

    scope = "failed_authentication"
    rate = settings.LEADSYNC_FAILED_AUTH_RATE

    def get_cache_key(self, request: Request, view: "APIView | None") -> str:
        return f"{self.scope}:{self.get_ident(request)}"


class KeyAuthentication(BaseAuthentication):
    """Authenticates `Authorization: Bearer KEY`, `Token KEY` or `X-API-Key: KEY`.

    `request.user` is the bot's account, `request.auth` its key. One query, none for junk. A known
    key, valid or not, is kept in `request.known_key`, so that what it sends can be recorded.
    """

    def authenticate(self, request: Request) -> tuple[Any, ApiKey]:
        sent = self._sent_key(request)
        request.known_key = key = self._find(sent, request)
        if key and key.is_valid:
            self._record_use(key)
            outage.remember(key)
            return key.user, key
        if key:
            notice_key(AlertKind.REVOKED_KEY, key)
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

    def _find(self, sent: str, request: Request) -> ApiKey | None:
        """The sent key. While the database is away, what a view stores for later may be sent with a
        key that was used in the last ten minutes (`is_remembered`)."""
        view: Any = request.parser_context["view"]
        is_stored = request.method == "POST" and getattr(view, "stores_for_later", False)
        try:
            if is_stored and outage.is_fresh():
                raise OperationalError("The database was away a moment ago.")
            return with_second_try(lambda: ApiKey.objects.find(sent))
        except LOST:
            key = outage.remembered(sent) if is_stored else None
            if key is None:
                raise
            if not outage.is_fresh():
                outage.begin()
            return key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _sent_key(self, request: Request) -> str:
        scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
        if scheme.lower() in ("bearer", "token") and credentials.strip():
            return credentials.strip()
        return request.META.get("HTTP_X_API_KEY", "").strip()

    def _record_use(self, key: ApiKey) -> None:
        if key.is_remembered:
            return
        try:
            key.record_use()
        except Error as error:  # a read-only or busy database: the caller is authenticated anyway
            logger.warning("The use of key %s could not be recorded: %s", key.pk, frames(error))


class KeyAuthenticationScheme(OpenApiAuthenticationExtension):
    """Describes the two headers for OpenAPI."""

    target_class = KeyAuthentication
    name = ["bearer", "header"]

    def get_security_requirement(self, auto_schema: object) -> list[dict[str, list[str]]]:
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: object) -> list[dict[str, str]]:
        description = "The bot's key (`ls_…`), created with `manage.py create_bot`."
        return [
            {"type": "http", "scheme": "bearer", "description": description},
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": description},
        ]


class HasScope(BasePermission):
    """Requires a key with the view's `read_scope`, or `write_scope` for methods that write."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        reads = request.method in ("GET", "HEAD", "OPTIONS")
        scope = view.read_scope if reads else view.write_scope
        self.message = f"This key lacks the scope {scope}. Ask the operator for a key that has it."
        return request.auth is not None and request.auth.allows(scope)
