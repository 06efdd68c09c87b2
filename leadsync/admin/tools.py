"""Base classes of admin pages: what each person sees, capped counts, columns and permissions."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.contrib.admin import AdminSite, ShowFacets
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model
from django.db.models.expressions import Expression
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import URLPattern
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy
from unfold import admin as unfold
from unfold.decorators import display

from leadsync.admin.filters import row_id
from leadsync.admin.lists.bar import bar_of
from leadsync.admin.lists.change_list import CappedPaginator, ChangeList
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.live import LivePages
from leadsync.admin.words import InWords
from leadsync.infra.visible import VisibleQuerySet

MAX_SEARCH = 100
"""Characters of what is searched for."""
ROW_NAMES = ("object_id", "pk", "survivor_id", "other_id")
"""What stands for a row in the addresses of its model's pages."""
ONE_BUTTON = {"show_save_and_add_another": False, "show_save_and_continue": False}
DJANGOS_OWN = ("_change", "_delete", "_history")


class ModelAdmin(InWords, LivePages, unfold.ModelAdmin):
    """Lists and forms without a count, facet or sort whose cost grows with the table, and with
    nothing but what the person may see: rows, choices, and every address that names a row."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    list_per_page = 25
    list_max_show_all = 0
    list_filter_submit = True
    list_fullwidth = True
    list_has_tabs = False
    """Whether the choices of the first filter stand above the list."""
    list_select_related: bool | Sequence[str] = False
    compressed_fields = True
    warn_unsaved_form = True
    when_empty: object = gettext_lazy("Nothing is here yet.")
    """What an empty list says, if no filter made it so."""
    on_phone: TwoLines | None = None
    """What a phone shows of a row; if it is not said, the first columns."""

    def __init__(self, model: type[Model], admin_site: AdminSite) -> None:
        super().__init__(model, admin_site)
        self.visible_to(model._default_manager.all(), AnonymousUser())  # raises if nobody says

    def visible_to(self, rows: Any, user: Any) -> Any:
        """Return those of these rows that this person may see.

        For a model that does not belong to workspaces, the page overrides it.
        """
        if not isinstance(rows, VisibleQuerySet):
            raise ImproperlyConfigured(f"Say who may see the rows of {self.opts.label}.")
        return rows.visible_to(user)

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.visible_to(super().get_queryset(request), request.user)

    def get_row_or_404(self, request: HttpRequest, pk: object) -> Any:
        """Return the row, if this person may see it."""
        rows = self.visible_to(self.model._default_manager.all(), request.user)
        return get_object_or_404(rows, pk=row_id(str(pk)))

    @property
    def urls(self) -> list[Any]:
        return [self._with_visible_rows(page) for page in self.get_urls()]

    def _with_visible_rows(self, page: URLPattern) -> URLPattern:
        """The same page, not found if its address names a row that the person may not see. Django's
        own pages look for themselves."""
        named = [name for name in page.pattern.converters if name in ROW_NAMES]
        if not named or str(page.name).endswith(DJANGOS_OWN):
            return page

        @wraps(page.callback)
        def view(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if request.user.is_authenticated:
                for name in named:
                    self.get_row_or_404(request, kwargs[name])
            return page.callback(request, *args, **kwargs)

        return URLPattern(page.pattern, view, page.default_args, page.name)

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        rows = kwargs.get("queryset")
        if rows is None:
            rows = self.get_field_queryset(kwargs.get("using"), db_field, request)
        if rows is None:
            rows = db_field.related_model._default_manager.all()
        if isinstance(rows, VisibleQuerySet):
            rows = rows.visible_to(request.user)
        return super().formfield_for_foreignkey(db_field, request, **(kwargs | {"queryset": rows}))

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Return the row, which knows who looks at it."""
        row = super().get_object(request, *args, **kwargs)
        if row is not None:
            row.viewer = request.user
        return row

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        return ChangeList

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        bar = bar_of(self.get_actions(request), self.opts)
        return super().changelist_view(request, {"bar": bar, **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        titled = {"title": capfirst(self.opts.verbose_name)} if object_id else {}
        titled |= ONE_BUTTON
        return super().changeform_view(request, object_id, form_url, titled | (extra_context or {}))

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

    is_live = True

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
