"""Taking a lead over from Sarah on its page, and handing it back."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts.models import MAX_PAUSE_REASON, Contact
from leadsync.admin.actions import close_dialog, dialog
from leadsync.admin.filters import row_id
from leadsync.admin.tools import holds
from sarah.takeover import hand_back, take_over

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
    """Adds the two buttons to the page of a lead: the one that makes sense is offered."""

    has_take_over_permission = holds("contacts.take_over_contact")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        offered = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        lead = Contact.objects.filter(pk=row_id(str(object_id))).first()
        pointless = "take-over" if lead and lead.is_paused else "hand-back-lead"
        return [one for one in offered if one.path != pointless]

    @action(
        description=_("Take over from Sarah"),
        permissions=["take_over"],
        url_path="take-over",
        icon="front_hand",
        dialog=dialog(
            _("Take this lead over?"), WILL_TAKE_OVER, button=_("Take over"), form=TakeOverForm
        ),
    )
    def take_this_over(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        lead = get_object_or_404(Contact, pk=object_id)
        take_over(lead, by=request.user.get_username(), **_asked(form))
        messages.success(request, _("Sarah says nothing to this lead now."))
        return close_dialog(self, object_id)  # type: ignore[arg-type]

    @action(
        description=_("Hand back to Sarah"),
        permissions=["take_over"],
        url_path="hand-back-lead",
        icon="smart_toy",
        dialog=dialog(
            _("Hand this lead back?"),
            _("Sarah answers again when the lead writes next."),
            button=_("Hand back"),
        ),
    )
    def hand_this_back(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        lead = get_object_or_404(Contact, pk=object_id)
        hand_back(lead, by=request.user.get_username())
        messages.success(request, _("Sarah answers this lead again."))
        return close_dialog(self, object_id)  # type: ignore[arg-type]


def _asked(form: Form) -> dict[str, Any]:
    return {name: form.cleaned_data[name] for name in ("reason", "until")}
