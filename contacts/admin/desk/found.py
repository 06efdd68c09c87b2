"""Which leads a list shows, and in which order: its filters, its tab, its column."""

from typing import Any

from django.contrib.admin.views.main import ORDER_VAR
from django.db.models.expressions import OrderBy
from django.http import HttpRequest
from django.utils.functional import cached_property

from contacts.admin.desk.columns import COLUMNS, NEXT_STEP, with_open_step
from contacts.admin.desk.tabs import ALL, TABS, Tab
from contacts.models import ContactQuerySet
from leadsync.admin.lists.change_list import ChangeList
from leadsync.infra.db import CAP, capped_count

OWN = ("tab", "cols", "saved", "whose")
"""Parameters of ours that filter nothing by themselves."""


class FoundLeads(ChangeList):
    """Sorts by name of a column (`o=-score`), not by its place: people choose their columns."""

    is_unsortable = False
    """Whether more leads are found than can be sorted by the column that was asked for."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request = request
        self.tab_name = request.GET.get("tab", ALL) if request.GET.get("tab") in TABS else ALL
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        asked: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in asked.items() if name not in OWN}

    def get_ordering(self, request: HttpRequest, queryset: Any) -> list[Any]:
        return []  # by `get_queryset`, once it is known how many there are

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> ContactQuerySet:
        found = super().get_queryset(request, exclude_parameters)
        return self._sorted(self.tab.ask(found, request))

    @property
    def tab(self) -> Tab:
        return TABS[self.tab_name]

    @cached_property
    def order(self) -> tuple[str, bool]:
        """Return the column to sort by, and whether it descends."""
        asked = self.params.get(ORDER_VAR, "")
        key = asked.removeprefix("-")
        known = key in COLUMNS and COLUMNS[key].order is not None
        asked = asked if known else self.tab.order
        return asked.removeprefix("-"), asked.startswith("-")

    def _sorted(self, found: ContactQuerySet) -> ContactQuerySet:
        key, descends = self.order
        column = COLUMNS.get(key)
        if column is None:
            return found.order_by(key, "pk")
        if not column.is_indexed and capped_count(found.values("pk")) > CAP:
            self.is_unsortable = True
            return found.order_by("-last_activity_at", "-pk")
        if key == NEXT_STEP and self.tab_name != "follow-up":
            found = with_open_step(found)
        # Blanks last, but where an index has its own order; no indexed column has any.
        last = {} if column.is_indexed else {"nulls_last": True}
        order = OrderBy(column.order, descending=descends, **last)
        return found.order_by(order, "-pk" if descends else "pk")
