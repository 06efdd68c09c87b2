"""Middleware for what differs between parts of the site: language, and what a page may load."""

from csp.constants import HEADER, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.locale import LocaleMiddleware
from django.urls import reverse
from django.utils import translation

ADMIN = {"script-src": [SELF, UNSAFE_EVAL], "style-src": [SELF, UNSAFE_INLINE]}
JSON = "default-src 'none'; frame-ancestors 'none'"
DOCS = {"style-src": [SELF, UNSAFE_INLINE]}


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


def is_api(request: HttpRequest) -> bool:
    return f"{request.path}/".startswith(("/api/", "/sarah/"))
