"""Base classes of admin pages: capped counts, columns and permissions."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.admin import ShowFacets
from django.contrib.admin.views.main import ORDER_VAR
from django.core.paginator import Paginator
from django.db.models.expressions import Expression, OrderBy
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy
from unfold import admin as unfold
from unfold import views
from unfold.decorators import display

from leadsync.infra.db import capped_count, shown_count

MAX_SEARCH = 100
"""Characters of what is searched for."""


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
    """Shows “… results (Show all)” only if the list is filtered."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
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


class ModelAdmin(unfold.ModelAdmin):
    """Lists and forms without a count, facet or sort whose cost grows with the table."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 25
    list_max_show_all = 0
    list_filter_submit = True
    list_fullwidth = True
    list_select_related: bool | Sequence[str] = False
    compressed_fields = True
    warn_unsaved_form = True
    empty_value_display = "-"
    when_empty: object = gettext_lazy("Nothing is here yet.")
    """What an empty list says, if no filter made it so."""

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        return ChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """Cut the search: Django makes a condition of each word, and no database takes 1,000."""
        return super().get_search_results(request, queryset, search_term[:MAX_SEARCH])


def column(
    field: str,
    title: object,
    show: Callable[[Any], object] = str,
    *,
    sortable: bool | Expression = False,
    empty: object = None,
) -> Callable[[Any, Any], object]:
    """Return a column or read-only field that shows one field of the row, or `empty`.

    It sorts by the field, or by an expression.
    """

    @display(description=title, ordering=field if sortable is True else sortable or None)
    def shown(_page: Any, row: Any) -> object:
        value = getattr(row, field)
        return (None if value is None else show(value)) or empty

    return shown


def computed(
    title: object,
    show: Callable[[Any], object],
    *,
    ordering: str | None = None,
    empty: object = None,
) -> Callable[[Any, Any], object]:
    """Return a column or read-only field that `show` computes from the row; `empty` if it is blank.

    It may query: Unfold asks for a field's value up to six times, and it is computed once.
    """

    @display(description=title, ordering=ordering)
    def shown(_page: Any, row: Any) -> object:
        known = row.__dict__.setdefault("_computed", {})
        if shown not in known:
            known[shown] = show(row) or empty
        return known[shown]

    return shown


class ReadOnly:
    """Rows that are never edited in the admin, only by the system or an action."""

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


def holds(permission: str) -> Callable[..., bool]:
    """Return a `has_…_permission` method for actions: whether the person holds this permission.

    Unfold takes the permission's own name as well, but its check then queries the permission table,
    which does not exist at the first `migrate`.
    """

    def has_permission(_page: Any, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm(permission)

    return has_permission
