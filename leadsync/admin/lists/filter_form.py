"""The filters of the list as a form of the browser's own fields: no script has to load for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from unfold.contrib.filters.admin import CheckboxFilter
from unfold.contrib.filters.admin.mixins import MultiValueMixin

from leadsync.admin.lists.chips import is_range, labels_of, names_of
from leadsync.admin.periods import PeriodFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterField:
    title: str
    name: str
    options: list[tuple[str, str, bool]]
    """Value, label, and whether it is chosen."""
    is_multiple: bool = False
    range: tuple[str, str] | None = None
    """What is set of a range of numbers."""
    days: tuple[str, str] | None = None
    """The first and the last day, if it asks for a period."""
    error: str = ""


def filter_fields(specs: Iterable[Any]) -> list[FilterField]:
    return [_field(spec) for spec in specs]


def _field(spec: Any) -> FilterField:
    if isinstance(spec, PeriodFilter):
        return _period(spec)
    return _range(spec) if is_range(spec) else _choice(spec)


def _period(spec: PeriodFilter) -> FilterField:
    """Offers the usual periods; days of one's own stand in fields of their own."""
    asked = spec.value()
    return FilterField(
        title=_title(spec),
        name=spec.parameter_name,
        options=[
            (value, str(label), value == asked)
            for value, label in spec.lookup_choices
            if ".." not in value
        ],
        days=spec.days,
        error=spec.error,
    )


def _range(spec: Any) -> FilterField:
    low, high = (str(spec.used_parameters.get(name) or "") for name in names_of(spec))
    return FilterField(title=_title(spec), name=spec.parameter_name, options=[], range=(low, high))


def _choice(spec: Any) -> FilterField:
    value = spec.value()
    is_multiple = isinstance(spec, CheckboxFilter | MultiValueMixin)
    chosen = {str(one) for one in (value if isinstance(value, list) else [value])}
    return FilterField(
        title=_title(spec),
        name=names_of(spec)[0],
        options=[(str(key), str(label), str(key) in chosen) for key, label in labels_of(spec)],
        is_multiple=is_multiple,
    )


def _title(spec: Any) -> str:
    title = str(spec.title)
    return title[:1].upper() + title[1:]
