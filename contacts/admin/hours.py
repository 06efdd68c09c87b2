"""The part of a workspace's form that says when it works, and how soon it answers."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextareaWidget

from contacts.admin.fields import ListField
from contacts.models import MAX_HOLIDAYS

HOURS = (
    ("time_zone",),
    ("working_days",),
    ("opens_at", "closes_at"),
    ("holidays",),
    ("hot_minutes", "warm_minutes"),
    ("quiet_days",),
    ("stale_new_hours", "stale_qualified_hours", "stale_contacted_hours"),
)


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
