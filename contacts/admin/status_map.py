"""The part of a workspace's form that says which status a conversation's state gives a lead."""

from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from contacts.workflow import LeadStatus
from sarah.models import ConversationState
from sarah.rules import COMPLETED_COLD, KEYS, STATUS_BY_STATE, statuses_after

FIELDS = {key: f"status_after_{key}" for key in KEYS}


def _choices(key: str) -> list[tuple[str, object]]:
    usual = (STATUS_BY_STATE | settings.LEADSYNC_STATUS_BY_STATE).get(key)
    blank = (
        format_lazy(_("As usual: {status}"), status=LeadStatus(usual).label)
        if usual
        else _("As completed")
    )
    return [("", blank), *((status.value, status.label) for status in statuses_after(key))]


def _field(key: str) -> forms.ChoiceField:
    cold = _("Completed, and not interested")
    return forms.ChoiceField(
        label=cold if key == COMPLETED_COLD else ConversationState(key).label,
        required=False,
        choices=partial(_choices, key),
        widget=UnfoldAdminSelectWidget,
    )


class StatusMap(forms.Form):
    """One choice for each state; what is left as usual is not stored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.status_by_state or {}  # type: ignore[attr-defined]
        for key, name in FIELDS.items():
            if name in self.fields:
                self.initial[name] = stored.get(key, "")

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = {key: values[name] for key, name in FIELDS.items() if values.get(name)}
        if values.keys() >= set(FIELDS.values()):  # not for people who may only look
            self.instance.status_by_state = chosen or None  # type: ignore[attr-defined]
        return values


StatusFields: type[StatusMap] = type(
    "StatusFields", (StatusMap,), {name: _field(key) for key, name in FIELDS.items()}
)
