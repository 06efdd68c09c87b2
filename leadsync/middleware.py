"""Middleware: body limit, caching, compression, content security policy, language."""

from collections.abc import Callable
from typing import Any

from csp.constants import HEADER, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.auth import middleware as accounts
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.db import DataError
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import translation

from leadsync.error_pages import error_page
from leadsync.infra.requests import is_api

MAX_BODY = 2 * 1024 * 1024
"""Bytes; the API has a lower limit of its own. A proxy in front has the same (README)."""
ADMIN = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}
JSON = "default-src 'none'; frame-ancestors 'none'"
DOCS = {"style-src": [SELF, UNSAFE_INLINE]}


class BodyLimitMiddleware:
    """Refuses bodies over MAX_BODY before anything reads them.

    Django would spool files of any size to disk, also for somebody who is not logged in.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if (length.isdecimal() and int(length[:20]) <= MAX_BODY) or is_api(request):
            return self.get_response(request)
        return error_page(request, 413)


class AbsurdFilterMiddleware:
    """Shows a list of the admin without its filters if their values are too large for the database.

    Django does so itself with values of the wrong type.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        if is_api(request) or not isinstance(exception, OverflowError | DataError):
            return None
        if request.method == "GET" and request.GET and ERROR_FLAG not in request.GET:
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        # SQLite's word for a key in the address that no row can have.
        return error_page(request, 404) if isinstance(exception, OverflowError) else None


class NoStoreMiddleware:
    """Keeps answers out of every cache, because they contain personal data.

    Not those that say themselves how they may be cached, such as static files.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        return response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """Loosens the strict policy where a page needs it: Alpine in the admin evaluates expressions,
    and the admin and the API's docs page set inline styles. JSON may load nothing at all."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if response.headers.get("Content-Type") == "application/json":
            response.headers[HEADER] = JSON
            return response
        return super().process_response(request, response)

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path.startswith(reverse("admin:index")):
            parts.replace = ADMIN
        elif request.resolver_match and request.resolver_match.view_name == "docs":
            parts.replace = DOCS
        return parts


class CompressionMiddleware(GZipMiddleware):
    """Compresses pages; a bot's answers are short, and its processor time is worth more."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        return response if is_api(request) else super().process_response(request, response)


class LanguageMiddleware(LocaleMiddleware):
    """Serves people the language that they or their browser chose; the API is always English."""

    def process_request(self, request: HttpRequest) -> None:
        if is_api(request):
            translation.activate(settings.LANGUAGE_CODE)
        else:
            super().process_request(request)

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        return response if is_api(request) else super().process_response(request, response)


def _for_people(middleware: Any) -> Any:
    """This middleware, which requests of bots pass by: they have neither session nor account."""

    class ForPeople(middleware):
        def __call__(self, request: HttpRequest) -> HttpResponseBase:
            go_on = self.get_response if is_api(request) else super().__call__
            return go_on(request)

    return ForPeople


SessionMiddleware = _for_people(sessions.SessionMiddleware)
AuthenticationMiddleware = _for_people(accounts.AuthenticationMiddleware)
MessageMiddleware = _for_people(messages.MessageMiddleware)
