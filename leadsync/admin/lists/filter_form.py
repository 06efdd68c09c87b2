"""The filters of a list: as a form of the browser's own fields, for which no script has to load,
and the active ones as chips, which can be taken away."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.contrib.filters.admin import CheckboxFilter
from unfold.contrib.filters.admin.mixins import MultiValueMixin

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Chip:
    text: str
    link: str
    """The list without it."""


def chips_of(changes: Any) -> list[Chip]:
    """Return a chip for each active filter of a list, and for what is searched."""
    found = [_chip(changes, _("Search: %s") % changes.query, ["q"])] if changes.query else []
    if changes.params.get("whose") == "me":
        found.append(_chip(changes, _("Only mine"), ["whose"]))
    for spec in changes.shown_filters:
        names = [name for name in spec.expected_parameters() if name in changes.params]
        if told := _told(spec) if names else "":
            found.append(_chip(changes, f"{capfirst(str(spec.title))}: {told}", names))
    return found


def _chip(changes: Any, text: str, names: list[str]) -> Chip:
    link = changes.get_query_string(dict.fromkeys([*names, "p", "saved"]))
    return Chip(text=text, link=link)


def _told(spec: Any) -> str:
    """Return what a filter filters by, in words."""
    if is_range(spec):
        low, high = (spec.used_parameters.get(name) for name in names_of(spec))
        return _("%(low)s to %(high)s") % {"low": low or 0, "high": high or "…"}
    value = spec.value()
    chosen = {str(one) for one in (value if isinstance(value, list) else [value])}
    return ", ".join(str(label) for key, label in labels_of(spec) if str(key) in chosen)


def is_range(spec: Any) -> bool:
    """Whether it takes the lowest and the highest number."""
    return len(names_of(spec)) == 2 and names_of(spec)[1].endswith("_to")


def names_of(spec: Any) -> list[str]:
    return [str(name) for name in spec.expected_parameters()]


def labels_of(spec: Any) -> list[tuple[Any, Any]]:
    if labels := getattr(spec, "lookup_choices", None):
        return [(one[0], one[1]) for one in labels]
    field = spec.field
    return list(field.flatchoices) or [("1", _("Yes")), ("0", _("No"))]
