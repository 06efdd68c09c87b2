"""The page of the list of leads."""

from functools import partial
from typing import Any
from zlib import crc32

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from contacts.admin.desk.columns import COLUMNS, chosen_columns
from contacts.admin.desk.found import FoundLeads
from contacts.admin.desk.rows import EMPTY, NEEDED, Row, rows_of
from contacts.admin.desk.strangers import strangers_named
from contacts.admin.desk.tabs import ALL, TABS, TODAY, counts, entries_of, forget_counts
from contacts.admin.desk.views import view_links
from contacts.models import Workspace
from leadsync.admin.lists.change_list import CappedPaginator, ShownCount
from leadsync.admin.live import answer, is_live, known_version
from leadsync.infra.db import capped_count
from sarah.models import SarahState

SECONDS = 10
"""How long what a person's list looks like is remembered, however many windows ask."""
MAX_WORKSPACES = 200


class LeadList(FoundLeads):
    """The list as a page shows it."""

    result_list: Any

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.title = _("Today") if self.tab_name == TODAY else _("Leads")

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count  # says “Show all” in the title if it differs
        self.result_list = list(self.result_list.only(*NEEDED))

    def headers(self) -> list[dict[str, Any]]:
        """Return the columns' titles, how each is sorted, and the address that sorts by it."""
        key, descends = self.order
        return [
            {
                "key": name,
                "title": column.title,
                "sort": ("descending" if descends else "ascending") if name == key else "",
                "arrow": "arrow_downward" if descends else "arrow_upward",
                "link": self._sort_link(name) if column.order is not None else "",
            }
            for name, column in ((name, COLUMNS[name]) for name in self.columns)
        ]

    def _sort_link(self, name: str) -> str:
        key, descends = self.order
        turned = not descends if name == key else COLUMNS[name].descends_first
        return self.get_query_string({ORDER_VAR: f"-{name}" if turned else name})

    # What is shown

    @cached_property
    def workspaces(self) -> list[Workspace]:
        return list(Workspace.objects.visible_to(self.request.user)[:MAX_WORKSPACES])

    @cached_property
    def columns(self) -> list[str]:
        asked = ",".join(self.filter_params.get("cols", []))
        return chosen_columns(asked, several_workspaces=len(self.workspaces) > 1)

    @cached_property
    def rows(self) -> list[Row]:
        # Never empty: the lead's page tells by it which list it was opened from.
        kept = {"_changelist_filters": self.request.GET.urlencode() or f"{PAGE_VAR}=1"}
        query = f"?{urlencode(kept)}"
        to_call = entries_of(self.request) if self.tab_name == TODAY else EMPTY
        return rows_of(self.result_list, keys=self.columns, query=query, to_call=to_call)

    @cached_property
    def tab_links(self) -> list[dict[str, Any]]:
        """Return the tabs with their counts; the search stays, filters and order go."""
        counted = counts(self.model_admin.get_queryset(self.request), self.request)
        kept = {"q": self.query} if self.query else {}
        return [
            {
                "name": name,
                "title": tab.title,
                "count": counted.get(name, ""),
                "link": f"?{urlencode({**kept, **({'tab': name} if name != ALL else {})})}",
                "is_current": name == self.tab_name and "saved" not in self.params,
            }
            for name, tab in TABS.items()
        ]

    @cached_property
    def saved_views(self) -> list[dict[str, Any]]:
        return view_links(self.request)

    @cached_property
    def strangers(self) -> list[SarahState]:
        return strangers_named(self.query, self.request) if self.query else []

    @cached_property
    def version(self) -> str:
        """Differs as soon as the list looks different."""
        told = [row.version for row in self.rows], self.result_count, self.tab_links
        return f"{crc32(repr(told).encode()):x}"

    @property
    def column_choices(self) -> list[dict[str, Any]]:
        return [
            {"key": key, "title": column.title, "is_shown": key in self.columns}
            for key, column in COLUMNS.items()
            if key != "name"
        ]

    @property
    def kept_by_columns(self) -> list[tuple[str, str]]:
        return self.kept("cols")

    @property
    def without_filters(self) -> str:
        return "?" if self.tab_name == ALL else f"?tab={self.tab_name}"


class LeadPaginator(CappedPaginator):
    """Counts without working out where each lead stands."""

    @cached_property
    def count(self) -> int:
        found: Any = self.object_list
        return ShownCount(capped_count(found.values("pk")))


class Desk:
    """Shows the leads by templates of its own: Unfold would ask for each title in each row.

    The tab *Today* has an address of its own: the sidebar, mails and bookmarks know it.
    """

    change_list_template = "contacts/desk/list.html"
    paginator = LeadPaginator

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.today)  # type: ignore[attr-defined]
        page = path("today/", view, name="contacts_contact_today")
        return [page, *super().get_urls()]  # type: ignore[misc]

    def today(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("contacts.view_contact"):
            raise PermissionDenied
        whose = "&whose=me" if request.GET.get("whose") == "me" else ""
        return HttpResponseRedirect(
            f"{reverse('admin:contacts_contact_changelist')}?tab=today{whose}"
        )

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
