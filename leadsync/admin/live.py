"""What open pages ask for again and again: whether what they show looks different by now."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from functools import partial
from typing import Any
from zlib import crc32

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db.models import Model
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


def version_of(*told: object) -> str:
    """Return the version of a page that tells this; it differs as soon as one thing does."""
    plain = json.dumps(told, default=_plain, sort_keys=True)
    return f"{crc32(f'{get_language()} {plain}'.encode()):x}"


def _plain(one: Any) -> Any:
    if is_dataclass(one) and not isinstance(one, type):
        return asdict(one)
    if isinstance(one, Model):
        fields = {name: value for name, value in one.__dict__.items() if name != "viewer"}
        return [str(one), {k: v for k, v in fields.items() if not k.startswith("_")}]
    return str(one)


def answer(request: HttpRequest, version: str, render: Callable[[], HttpResponse]) -> HttpResponse:
    """Answer with the content, or 304 if the page shows this version already."""
    if known_version(request) == version:
        return HttpResponseNotModified()
    response = render()
    response.headers["ETag"] = f'"{version}"'
    return response


def known_version(request: HttpRequest) -> str:
    """The version that the page shows; compression has made it a weak one."""
    return request.headers.get("If-None-Match", "").removeprefix("W/").strip('"')


class LivePages:
    """Lists, and the pages of rows that nobody edits, ask again while they are open."""

    is_live = False
    """Whether the page of a row does."""

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        page: Any = super()
        render = partial(page.changelist_view, request, extra_context)
        return self._live_list(request, render) if is_live(request) else render()

    def _live_list(self, request: HttpRequest, render: Callable[[], HttpResponse]) -> HttpResponse:
        admin_page: Any = self
        if not admin_page.has_view_permission(request):
            raise PermissionDenied
        try:
            changes = admin_page.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseNotModified()
        return answer(request, version_of(list(changes.result_list), changes.result_count), render)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        page: Any = super()
        shown = {"is_live": "page"} if self.is_live and object_id else {}
        context = {**shown, **(extra_context or {})}
        render = partial(page.changeform_view, request, object_id, form_url, context)
        if not shown or not is_live(request):
            return render()
        row = page.get_object(request, unquote(str(object_id)))
        if row is None or not page.has_view_permission(request, row):
            return render()
        return answer(request, version_of(row, self.also_told(row)), render)

    def also_told(self, row: Any) -> object:
        """What the page of a row tells that its columns do not."""
        return None


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
