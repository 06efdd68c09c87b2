"""Taking a lead over from Sarah on its page."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts.models import MAX_PAUSE_REASON, Contact
from leadsync.admin.actions import dialog, dialog_action
from leadsync.admin.tools import holds
from sarah.takeover import take_over

WILL_TAKE_OVER = _(
    "Sarah says nothing to this lead any more, and you do. What the lead writes is still kept. "
    "Your workflow at Kapso has to look for “paused”: the README shows how."
)


class TakeOverForm(BaseDialogForm):
    reason = forms.CharField(
        label=_("Why"),
        max_length=MAX_PAUSE_REASON,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    until = forms.DateTimeField(
        label=_("Until"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"}),
        help_text=_("Empty: until somebody hands the lead back."),
    )

    def clean_until(self) -> datetime | None:
        until: datetime | None = self.cleaned_data["until"]
        if until and until <= timezone.now():
            raise ValidationError(_("Choose a time to come."))
        return until


class TakeOver:
    """Adds it to the menu of a lead; its page has a banner that hands back."""

    has_take_over_permission = holds("contacts.take_over_contact")

    @dialog_action(
        description=_("Take over from Sarah"),
        permissions=["take_over"],
        url_path="take-over",
        icon="front_hand",
        dialog=dialog(
            _("Take this lead over?"), WILL_TAKE_OVER, button=_("Take over"), form=TakeOverForm
        ),
    )
    def take_this_over(self, request: HttpRequest, form: Form, object_id: str) -> None:
        lead = get_object_or_404(Contact, pk=object_id)
        take_over(lead, by=request.user.get_username(), **_asked(form))
        messages.success(request, _("Sarah says nothing to this lead now."))


def _asked(form: Form) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("reason", "until")}
