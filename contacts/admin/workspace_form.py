"""Parts of a workspace's form: when it works and how soon it answers, and which status each state
of a conversation gives a lead."""

from datetime import date
from functools import partial
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from contacts.admin.fields import ListField
from contacts.models import MAX_HOLIDAYS
from contacts.workflow import LeadStatus
from sarah.models import ConversationState
from sarah.rules import COMPLETED_COLD, KEYS, STATUS_BY_STATE, statuses_after

HOURS = (
    ("time_zone",),
    ("working_days",),
    ("opens_at", "closes_at"),
    ("holidays",),
    ("hot_minutes", "warm_minutes"),
    ("quiet_days",),
    ("stale_new_hours", "stale_qualified_hours", "stale_contacted_hours"),
)
FIELDS = {key: f"status_after_{key}" for key in KEYS}


class HoursFields(forms.Form):
    working_days = forms.MultipleChoiceField(
        label=_("Working days"),
        required=False,
        choices=[(str(day + 1), name) for day, name in WEEKDAYS.items()],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    holidays = ListField(
        max_items=MAX_HOLIDAYS,
        label=_("Holidays"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_("One on each line, such as 2026-12-25."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["working_days"] = [*self.instance.working_days]  # type: ignore[attr-defined]

    def clean_working_days(self) -> str:
        return "".join(sorted(self.cleaned_data["working_days"]))

    def clean_holidays(self) -> list[str]:
        days: list[str] = self.cleaned_data["holidays"]
        for day in days:
            try:
                date.fromisoformat(day)
            except ValueError:
                raise ValidationError(_("“%s” is no date: write 2026-12-25.") % day) from None
        return sorted(days)


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
