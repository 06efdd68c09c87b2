"""The bar of what can be done with the selected leads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

SHORT = {"export_csv": _("Export")}
"""What a narrow bar says for short."""
ICONS = {
    "assign_to": "person_add",
    "change_status": "flag",
    "plan_follow_up": "event",
    "write_note": "edit_note",
    "export_csv": "download",
}
"""The actions that have a button of their own, in this order; the others are under *More*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    name: str
    title: Any
    icon: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    first: list[Button]
    more: list[Button]


def bar_of(actions: Mapping[str, tuple[Any, str, Any]]) -> Bar | None:
    """Return the buttons for these actions of the admin; None if there are none."""
    titles = {name: title for name, (_run, _name, title) in actions.items()}
    first = [
        Button(name=name, title=SHORT.get(name, titles[name]), icon=icon)
        for name, icon in ICONS.items()
        if name in titles
    ]
    more = [Button(name=name, title=title) for name, title in titles.items() if name not in ICONS]
    return Bar(first=first, more=more) if actions else None
