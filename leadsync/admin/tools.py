"""What the admin's pages are made of: lists whose counts stop, columns, permissions."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
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
    """A capped count that also reads as one wherever a template prints it."""

    def __str__(self) -> str:
        return shown_count(int(self))


class CappedPaginator(Paginator):
    """Pages whose count stops at CAP; what lies beyond is reached by filters and search."""

    @cached_property
    def count(self) -> int:
        return ShownCount(capped_count(self.object_list))


class ChangeList(views.ChangeList):
    """Says “… results (Show all)” only of a list that is filtered."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not (self.has_active_filters or self.query):
            self.full_result_count = self.result_count

    def tabs(self) -> list[dict[str, object]]:
        """The choices of the first filter, its first being what one sees unless one asks."""
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
    """Our lists and forms: no count, facet or sort that grows with the table."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 50
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
        """Django makes a condition of each word: of a thousand, a statement no database takes."""
        return super().get_search_results(request, queryset, search_term[:MAX_SEARCH])


def column(
    field: str,
    title: object,
    show: Callable[[Any], object] = str,
    *,
    sortable: bool = False,
    empty: object = None,
) -> Callable[[Any, Any], object]:
    """A column or read-only field that shows one field of the row; `empty` if it is nothing."""

    @display(description=title, ordering=field if sortable else None)
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
    """A column or read-only field that `show` makes of the whole row; `empty` if it is nothing.

    It may query, and does so once: Unfold asks for the value of a field up to six times.
    """

    @display(description=title, ordering=ordering)
    def shown(_page: Any, row: Any) -> object:
        known = row.__dict__.setdefault("_computed", {})
        if shown not in known:
            known[shown] = show(row) or empty
        return known[shown]

    return shown


class ReadOnly:
    """Rows that nobody writes in the admin: the system does, or an action."""

    def has_add_permission(self, request: HttpRequest, *args: object) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


def holds(permission: str) -> Callable[..., bool]:
    """A `has_…_permission` for actions: whether the person has this one.

    Unfold takes the permission's own name as well, but its check then asks the database for it:
    the first `migrate` would fail, as there are no tables yet.
    """

    def has_permission(_page: Any, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm(permission)

    return has_permission
