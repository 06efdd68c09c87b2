"""What open pages ask for again and again: whether what they show looks different by now."""

import re
from collections.abc import Callable
from typing import Any
from zlib import crc32

from django.contrib import admin
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.utils.translation import get_language

from leadsync.admin.navigation import navigation

HEADER = "X-Live"
HOME_SECONDS = 18
"""A little less than the pause between two questions of a window."""
TOKEN = re.compile(rb'(?<=name="csrfmiddlewaretoken" value=")[^"]*')
"""Differs in each page, though nothing looks different."""


def is_live(request: HttpRequest) -> bool:
    return request.method == "GET" and HEADER in request.headers


def answer(request: HttpRequest, version: str, render: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer with the content, or 304 if the page shows this version already."""
    tag = f'"{version}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponseNotModified()
    response = render()
    response.headers["ETag"] = tag
    return response


def home(request: HttpRequest) -> HttpResponse:
    """Return the home page for itself, made once in some seconds, however many windows ask."""
    asked = f"{request.session.session_key} {get_language()} {request.GET.urlencode()}"
    key = f"leadsync.admin.live.home.{crc32(asked.encode()):x}.{request.user.pk}"
    known = cache.get(key)
    if known is None:
        page: Any = admin.site.index(request)
        content = page.render().content
        known = f"{crc32(TOKEN.sub(b'', content)):x}", content
        cache.set(key, known, HOME_SECONDS)
    version, content = known
    return answer(request, version, lambda: HttpResponse(content))


def badges(request: HttpRequest) -> HttpResponse:
    """Return the numbers of the sidebar by the address of their page; they are cached."""
    found = {
        str(item["link"]): str(item.get("badge", ""))
        for group in navigation(request)
        for item in group["items"]  # type: ignore[attr-defined]
    }
    version = f"{crc32(repr(found).encode()):x}"
    return answer(request, version, lambda: JsonResponse(found))
