"""The forms of what is done with selected leads."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contacts.admin.fields import BlockField, LineField
from contacts.admin.next_step import SOON
from contacts.models import MAX_NOTE, MAX_STEP, NoteKind


class BulkStepForm(forms.Form):
    text = LineField(label=_("What to do"), max_length=MAX_STEP, widget=UnfoldAdminTextInputWidget)
    soon = forms.ChoiceField(
        label=_("When"),
        required=False,
        choices=[*SOON.items(), ("", _("At another time"))],
        widget=UnfoldAdminSelectWidget,
    )
    due_at = forms.DateTimeField(
        label=_("At another time"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text=_("By the clock of the lead's workspace."),
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if not (said.get("soon") or said.get("due_at")):
            raise ValidationError(_("Choose when the next step is due."))
        return said


class BulkNoteForm(forms.Form):
    text = BlockField(
        label=_("Note"), max_length=MAX_NOTE, widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )
    kind = forms.ChoiceField(label=_("kind"), choices=NoteKind, widget=UnfoldAdminSelectWidget)
