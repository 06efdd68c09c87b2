"""The table of a list. A phone shows two lines for each row, and a touch anywhere opens it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import lookup_field
from unfold.templatetags.unfold_list import result_headers
from unfold.utils import display_for_field, display_for_value


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoLines:
    """Which columns a phone shows, and where."""

    who: str
    """Begins the first line."""
    told: str = ""
    """Begins the second; may be a column that a desk does not show."""
    mark: str = ""
    """Ends the first."""
    when: str = ""
    """Ends the second."""

    def place_of(self, column: str) -> str:
        places = {self.who: "who", self.told: "told", self.mark: "mark", self.when: "when"}
        return places.get(column, "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    name: str
    place: str
    shown: object
    is_blank: bool
    is_link: bool
    is_only_on_phone: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    of: Any
    link: str
    cells: list[Cell]


class Table:
    """The rows of a change list as its page shows them."""

    def __init__(self, changes: Any) -> None:
        self.changes = changes
        self.has_ticks = "action_checkbox" in changes.list_display
        self.tick_name = ACTION_CHECKBOX_NAME
        self.columns = [name for name in changes.list_display if name != "action_checkbox"]
        admin = changes.model_admin
        first, second = [*self.columns, ""][:2]
        self.lines = admin.on_phone or TwoLines(who=first, told=second)
        told = self.lines.told
        self.only_on_phone = [told] if told and told not in self.columns else []
        linked = changes.list_display_links
        self.linked = () if linked is None else linked or (self.lines.who,)

    def heads(self) -> list[dict[str, Any]]:
        """Return the columns' titles, with how the list is sorted by each."""
        heads = [*result_headers(self.changes)][self.has_ticks :]
        return [{"name": name, **head} for name, head in zip(self.columns, heads, strict=True)]

    def rows(self) -> Iterator[Row]:
        kept = self.changes.preserved_filters
        for row in self.changes.result_list:
            link = f"{self.changes.url_for_result(row)}{'?' if kept else ''}{kept}"
            link = link if self.linked else ""
            names = (*self.columns, *self.only_on_phone)
            yield Row(of=row, link=link, cells=[self._cell(name, row) for name in names])

    def _cell(self, name: str, row: Any) -> Cell:
        admin = self.changes.model_admin
        blank = admin.get_empty_value_display()
        field, source, value = lookup_field(name, row, admin)
        if field is None or field.auto_created:
            shown = display_for_value(value, blank, boolean=getattr(source, "boolean", False))
        else:
            shown = display_for_field(value, field, blank)
        return Cell(
            name=name,
            place=self.lines.place_of(name),
            shown=shown,
            is_blank=shown in ("", blank),
            is_link=name in self.linked,
            is_only_on_phone=name in self.only_on_phone,
        )
