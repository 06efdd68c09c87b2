"""The page of the list of leads."""

from functools import partial
from typing import Any
from zlib import crc32

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.template.response import TemplateResponse
from django.utils.functional import cached_property

from contacts.admin.desk.lead_list import LeadList
from contacts.admin.desk.tabs import forget_counts
from leadsync.admin.lists.change_list import CappedPaginator, ShownCount
from leadsync.admin.live import answer, is_live, known_version
from leadsync.infra.db import capped_count

SECONDS = 10
"""How long what a person's list looks like is remembered, however many windows ask."""


class LeadPaginator(CappedPaginator):
    """Counts without working out where each lead stands."""

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list
        return ShownCount(capped_count(found.values("pk")))


class Desk:
    """Shows the leads by templates of its own: Unfold would ask for each title in each row."""

    change_list_template = "contacts/desk/list.html"
    paginator = LeadPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[LeadList]:
        return LeadList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if request.method == "POST":
            forget_counts(request)
        if is_live(request):
            return self._live(request)
        page: HttpResponse = super().changelist_view(request, extra_context)  # type: ignore[misc]
        return page

    def _live(self, request: HttpRequest) -> HttpResponse:
        """Answer with tabs and rows alone, or that they look as they did."""
        seen = f"contacts.desk.live.{request.user.pk}.{crc32(request.get_full_path().encode())}"
        asked = known_version(request)
        if asked and cache.get(seen) == asked:
            return HttpResponseNotModified()
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        try:
            changes = self.get_changelist_instance(request)  # type: ignore[attr-defined]
        except IncorrectLookupParameters:
            return HttpResponseNotModified()
        cache.set(seen, changes.version, SECONDS)
        context = {"cl": changes}
        page = partial(TemplateResponse, request, "contacts/desk/live.html", context)
        return answer(request, changes.version, page)
