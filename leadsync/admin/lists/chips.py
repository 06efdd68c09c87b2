"""The active filters of a list, each as a chip that can be taken away."""

from dataclasses import dataclass
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _


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
