"""What the admin's pages share: counts that stop, pills, times, tables, links."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import ShowFacets
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold import admin as unfold
from unfold import views
from unfold.decorators import display

from contacts.models import Temperature
from contacts.workflow import LeadStatus
from leadsync.infra.db import capped_count, shown_count

MAX_SEARCH = 100
"""Characters of what is searched for."""


STATUS_COLOURS: dict[str, str] = {
    LeadStatus.NEW: "info",
    LeadStatus.QUALIFIED: "primary",
    LeadStatus.CONTACTED: "warning",
    LeadStatus.CONVERTED: "success",
    LeadStatus.ARCHIVED: "",
}
TEMPERATURE_COLOURS: dict[str, str] = {
    Temperature.HOT: "danger",
    Temperature.WARM: "warning",
    Temperature.LUKEWARM: "",
    Temperature.COLD: "info",
}


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
    """A list's column or a page's read-only field: one field of the row, as `show` shows it.

    Where there is nothing to show it says `empty`.
    """

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
    """A column or read-only field that `show` makes of the whole row.

    It may query, and does so once: Unfold asks for the value of a field up to six times.
    """

    @display(description=title, ordering=ordering)
    def shown(_page: Any, row: Any) -> object:
        known = row.__dict__.setdefault("_computed", {})
        if shown not in known:
            known[shown] = show(row) or empty
        return known[shown]

    return shown


def pill(text: object, colour: str = "") -> SafeString:
    """A small label: colour is info, success, warning, danger, primary or blank for grey."""
    return _pill(str(text), colour)


@lru_cache(maxsize=256)  # a list shows the same few a hundred times
def _pill(text: str, colour: str) -> SafeString:
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


def status_pill(status: str) -> SafeString:
    return pill(LeadStatus(status).label, STATUS_COLOURS[status])


def temperature_pill(temperature: str) -> SafeString:
    return pill(Temperature(temperature).label, TEMPERATURE_COLOURS[temperature])


def day_start(days_ago: int = 0) -> datetime:
    """Midnight in TIME_ZONE, today or some days ago."""
    day = timezone.localdate() - timedelta(days=days_ago)
    return timezone.make_aware(datetime.combine(day, datetime.min.time()))


def ago(moment: datetime | None) -> str:
    """“3 minutes ago” in the last week, else the date; the exact time stands in the tooltip."""
    if moment is None:
        return "-"
    local = timezone.localtime(moment)
    age = timezone.now() - moment
    if timedelta() <= age < timedelta(minutes=1):
        text = _("just now")
    elif timedelta() <= age < timedelta(days=7):
        text = _("%s ago") % timesince(moment, depth=1)
    else:
        text = date_format(local, "j M Y")
    return format_html(
        '<time datetime="{}" title="{}" class="whitespace-nowrap">{}</time>',
        local.isoformat(),
        date_format(local, "j M Y, H:i:s"),
        text,
    )


as_text = partial(format_html, '<div class="ls-text">{}</div>')
as_wrapped = partial(format_html, '<div class="ls-wrap">{}</div>')
as_advice = partial(format_html, '<div class="ls-advice">{}</div>')
as_code = partial(format_html, '<pre class="ls-code">{}</pre>')
as_link = partial(format_html, '<a href="{}" class="text-link">{}</a>')


def admin_link(row: Model, text: object = "") -> SafeString:
    """A link to the row's admin page."""
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return as_link(reverse(page, args=[row.pk]), text or row)


def list_url(label: str, **filters: object) -> str:
    """The address of a list, such as that of `contacts_contact`, with these filters."""
    return f"{reverse(f'admin:{label}_changelist')}?{urlencode(filters)}"


def table_of(rows: Iterable[Any], *columns: tuple[object, Callable[[Any], object]]) -> SafeString:
    """A small table of rows: of each column its header, and what it shows of a row."""
    return table(
        (header for header, _show in columns),
        ([show(row) for _header, show in columns] for row in rows),
    )


def table(headers: Iterable[object], rows: Iterable[Iterable[object]]) -> SafeString:
    """A small table for a read-only place on a page; blank if there are no rows."""
    cells = [list(row) for row in rows]
    if not cells:
        return SafeString("")
    return render_to_string("leadsync/table.html", {"headers": list(headers), "rows": cells})
