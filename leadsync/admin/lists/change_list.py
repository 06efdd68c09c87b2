"""What a list of the admin finds, and in which order."""

from typing import Any

from django.contrib.admin.views.main import ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.core.paginator import Paginator
from django.db.models.expressions import OrderBy
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import capfirst
from unfold import views

from leadsync.admin.lists.filter_form import Chip, FilterField, chips_of, filter_fields, names_of
from leadsync.admin.lists.table import Table
from leadsync.admin.members import no_workspace_yet
from leadsync.infra.db import capped_count, shown_count


class ShownCount(int):
    """A capped count that templates print as “10,000+”."""

    def __str__(self) -> str:
        return shown_count(int(self))


class CappedPaginator(Paginator):
    """Paginates up to CAP rows; rows beyond are reached by filters and search."""

    @cached_property
    def count(self) -> int:
        return ShownCount(capped_count(self.object_list))


class ChangeList(views.ChangeList):
    """Shows “… results (Show all)” only if the list is filtered, and is titled by what it lists."""

    def __init__(self, request: HttpRequest, *args: Any, **options: Any) -> None:
        super().__init__(request, *args, **options)
        self.title = capfirst(self.opts.verbose_name_plural)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.whom_to_ask = no_workspace_yet(request.user)
        self.when_empty = self.whom_to_ask or self.model_admin.when_empty
        for row in self.result_list:
            row.viewer = request.user
        if not (self.has_active_filters or self.query):
            self.full_result_count = self.result_count

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        """Sort by one column, and rows of one value in the same direction: one index of the column
        and the primary key serves both."""
        ordering: list[Any] = super().get_ordering(request, queryset)
        if ORDER_VAR not in self.params:
            return ordering
        first = ordering[0]
        descends = first.descending if isinstance(first, OrderBy) else first.startswith("-")
        return [first, "-pk" if descends else "pk"]

    def get_ordering_field_columns(self) -> dict[int, str]:
        return dict(list(super().get_ordering_field_columns().items())[:1])

    # What is shown

    @cached_property
    def table(self) -> Table:
        return Table(self)

    @cached_property
    def chips(self) -> list[Chip]:
        return chips_of(self)

    @property
    def shown_filters(self) -> list[Any]:
        """The filters of the form: what stands as tabs already is none."""
        return self.filter_specs[1:] if self.model_admin.list_has_tabs else self.filter_specs

    @cached_property
    def filter_fields(self) -> list[FilterField]:
        return filter_fields(self.shown_filters)

    def kept(self, *without: str) -> list[tuple[str, str]]:
        """Return the parameters of this list for a form that replaces some of them."""
        return [
            (name, value)
            for name, values in self.filter_params.items()
            if name not in (*without, PAGE_VAR)
            for value in values
        ]

    @property
    def kept_by_filters(self) -> list[tuple[str, str]]:
        return self.kept(*(name for spec in self.shown_filters for name in names_of(spec)))

    @property
    def kept_by_search(self) -> list[tuple[str, str]]:
        return self.kept(SEARCH_VAR, "saved")

    @property
    def without_filters(self) -> str:
        return "?"

    @property
    def page_links(self) -> dict[str, str]:
        """Return the addresses of the pages before and after this one."""
        last = self.paginator.num_pages
        around = {"before": self.page_num - 1, "after": self.page_num + 1}
        return {
            name: self.get_query_string({PAGE_VAR: page})
            for name, page in around.items()
            if 1 <= page <= last
        }

    @property
    def first_shown(self) -> int:
        return (self.page_num - 1) * self.list_per_page + 1

    @property
    def last_shown(self) -> int:
        return self.first_shown + len(self.result_list) - 1

    def tabs(self) -> list[dict[str, object]]:
        """Return the choices of the first filter as tabs; the first one is shown by default."""
        first = self.filter_specs[0]
        default = first.lookup_choices[0][0]
        return [
            {
                "title": title,
                "link": self.get_query_string(
                    {first.parameter_name: None if value == default else value, "p": None}
                ),
                "is_current": value == first.value(),
            }
            for value, title in first.lookup_choices
        ]
