"""What a bot sent, whole, to download: a page shows only the beginning of a large body."""

import json
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path

from monitoring.models import SyncFailure


class PayloadDownload:
    """For the admin of failures."""

    def get_urls(self) -> list[URLPattern]:
        admin_view: Any = self.admin_site.admin_view  # type: ignore[attr-defined]
        name = "monitoring_syncfailure_payload"
        download = path("<int:pk>/payload/", admin_view(self.download_payload), name=name)
        return [download, *super().get_urls()]  # type: ignore[misc]

    def download_payload(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with the body as it was sent; of refused ones, the newest that is kept."""
        failure = self.get_row_or_404(request, pk)  # type: ignore[attr-defined]
        if not self.has_view_permission(request, failure):  # type: ignore[attr-defined]
            raise Http404
        return HttpResponse(
            _body_of(failure),
            content_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="failure-{pk}.json"'},
        )


def _body_of(failure: SyncFailure) -> bytes:
    if kept := failure.bodies.order_by("-received_at", "-pk").first():
        return bytes(kept.body)
    body = failure.payload.get("body") if len(failure.payload) == 1 else None
    text = body if isinstance(body, str) else json.dumps(failure.payload, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")
