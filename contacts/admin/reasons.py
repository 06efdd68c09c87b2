"""Forms that ask why a status changes."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contacts.admin.fields import LineField
from contacts.models import Contact
from contacts.workflow import MAX_REASON, ArchiveReason, LeadStatus, MoveRefused, Why

REASONS = [("", _("Choose a reason")), *ArchiveReason.choices]


def moved_meanwhile(lead: Contact, shown: str) -> str:
    """Say that somebody has moved the lead since the page showed it; blank if nobody has. `lead` is
    the locked row: two people may press at once."""
    if shown in ("", lead.lead_status):
        return ""
    text = _("Nothing was changed: meanwhile this lead was moved to “%s”.")
    return str(text) % LeadStatus(lead.lead_status).label


class ReasonFields(forms.Form):
    """Fields of a form in which a status changes."""

    archive_reason = forms.ChoiceField(
        label=_("Why archived"), choices=REASONS, required=False, widget=UnfoldAdminSelectWidget
    )
    reason = LineField(
        label=_("Reason"),
        required=False,
        max_length=MAX_REASON,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Shown in the lead's history."),
    )


class ArchiveForm(ReasonFields):
    status: str = LeadStatus.ARCHIVED
    forced = False

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        try:
            self.why().check(self.chosen)
        except MoveRefused as refused:
            raise ValidationError(refused.in_words) from None
        return values

    @property
    def chosen(self) -> str:
        return str(self.cleaned_data.get("status", self.status))

    def why(self) -> Why:
        said = self.cleaned_data
        return Why(
            text=said.get("reason", ""),
            archived=said.get("archive_reason", ""),
            forced=self.forced,
        )


class StatusForm(ArchiveForm):
    status = forms.ChoiceField(  # type: ignore[assignment]
        label=_("Status"), choices=LeadStatus, widget=UnfoldAdminSelectWidget
    )
    field_order = ["status"]


class ForceForm(StatusForm):
    forced = True
