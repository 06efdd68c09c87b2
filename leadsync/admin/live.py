"""What open pages ask for again and again: whether what they show looks different by now."""

from collections.abc import Callable
from zlib import crc32

from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse

from leadsync.admin.navigation import navigation

HEADER = "X-Live"


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


def badges(request: HttpRequest) -> HttpResponse:
    """Return the numbers of the sidebar by the address of their page; they are cached."""
    found = {
        str(item["link"]): str(item.get("badge", ""))
        for group in navigation(request)
        for item in group["items"]  # type: ignore[attr-defined]
    }
    version = f"{crc32(repr(found).encode()):x}"
    return answer(request, version, lambda: JsonResponse(found))
