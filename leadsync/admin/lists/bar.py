"""The bar of what can be done with the selected rows of a list."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import model_format_dict
from django.utils.translation import gettext_lazy as _

SHORT = {"export_csv": _("Export")}
"""What a narrow bar says for short."""
ICONS = {
    "assign_to": "person_add",
    "change_status": "flag",
    "plan_follow_up": "event",
    "write_note": "edit_note",
    "export_csv": "download",
    "acknowledge_these": "visibility",
    "retry": "sync",
    "retry_these": "sync",
    "replay": "sync",
    "mark_resolved": "check",
    "resolve_these": "check",
    "ignore_these": "notifications_off",
    "start_over": "restart_alt",
    "revoke": "key_off",
    "let_in": "lock_open",
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


def bar_of(actions: Mapping[str, tuple[Any, str, Any]], of: Any) -> Bar | None:
    """Return the buttons for these actions of the admin; None if there are none."""
    names = model_format_dict(of)
    titles = {name: str(title) % names for name, (_run, _name, title) in actions.items()}
    first = [
        Button(name=name, title=SHORT.get(name, titles[name]), icon=icon)
        for name, icon in ICONS.items()
        if name in titles
    ]
    others = sorted(titles.keys() - ICONS.keys(), key=list(titles).index)
    others.sort(key="delete_selected".__eq__)  # what cannot be undone stands last
    more = [Button(name=name, title=titles[name]) for name in others]
    return Bar(first=first, more=more) if actions else None
