"""What a person can do about a cause of failures: dialogs on its page, each a POST."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget

from leadsync.admin.actions import NoteDialogForm, close_dialog
from leadsync.admin.tools import ModelAdmin
from monitoring.admin.asking import WILL_RESOLVE, WILL_RETRY_ALL, begin, go_to, numbers_of
from monitoring.kinds import HEALED_BY_SYNC
from monitoring.models import (
    BulkAction,
    FailureGroup,
    FailureGroupQuerySet,
    GroupStatus,
    SyncFailure,
)

FOR_HOURS = {
    1: _("1 hour"),
    24: _("24 hours"),
    7 * 24: _("7 days"),
    30 * 24: _("30 days"),
}


class HandleForm(NoteDialogForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].help_text = _("For whoever looks at it later. May be empty.")


class IgnoreForm(HandleForm):
    hours = forms.TypedChoiceField(
        label=_("For how long"),
        coerce=int,
        choices=list(FOR_HOURS.items()),
        initial=24,
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ("hours", "note")


class NumbersForm(BaseDialogForm):
    """Says how many failures it is about."""

    asked = BulkAction.RETRY

    form_before_template = "leadsync/numbers.html"

    def get_before_template_context(self, *_request: Any) -> dict[str, Any]:
        failures = SyncFailure.objects.open().filter(group=self.object_id)
        return {"numbers": numbers_of(failures, self.asked)}


class ResolveForm(NumbersForm, HandleForm):
    asked = BulkAction.RESOLVE


class GroupActions(ModelAdmin):
    actions_detail = ("retry_all", "resolve_all", "acknowledge", "ignore", "reopen")

    def has_handle_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("monitoring.handle_failuregroup")

    def has_resolve_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("monitoring.resolve_syncfailure")

    def has_retry_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return request.user.has_perm("monitoring.retry_syncfailure")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Only what makes sense where the cause stands."""
        group: Any = self.get_object(request, str(object_id))
        if group is None or not group.open_failures:
            return []
        pointless = {
            "retry-all": group.kind not in HEALED_BY_SYNC,
            "acknowledge": group.status == GroupStatus.ACKNOWLEDGED,
            "reopen": not (group.acknowledged_at or group.status == GroupStatus.IGNORED),
        }
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if not pointless.get(one.path)]

    @action(
        description=_("Acknowledge"),
        permissions=["handle"],
        url_path="acknowledge",
        icon="visibility",
        dialog={
            "title": _("Look after this?"),
            "description": _("Your colleagues see that you are at it."),
            "form_class": HandleForm,
            "form_submit_text": _("Acknowledge"),
        },
    )
    def acknowledge(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        by = request.user.get_username()
        self._one(object_id).acknowledge(by=by, note=form.cleaned_data["note"])
        return self._close(request, object_id, "Acknowledged.", _("It is yours now."))

    @action(
        description=_("Ignore"),
        permissions=["handle"],
        url_path="ignore",
        icon="notifications_off",
        dialog={
            "title": _("Ignore this for a while?"),
            "description": _("Until then it is not among the open causes. Nothing is closed."),
            "form_class": IgnoreForm,
            "form_submit_text": _("Ignore"),
        },
    )
    def ignore(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        until = timezone.now() + timedelta(hours=form.cleaned_data["hours"])
        by = request.user.get_username()
        self._one(object_id).ignore(until=until, by=by, note=form.cleaned_data["note"])
        return self._close(request, object_id, "Ignored.", _("It is ignored for a while."))

    @action(
        description=_("Reopen"),
        permissions=["handle"],
        url_path="reopen",
        icon="undo",
        dialog={
            "title": _("Reopen this?"),
            "description": _("It is among the open causes again, and nobody looks after it."),
            "form_class": None,
            "form_submit_text": _("Reopen"),
        },
    )
    def reopen(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        self._one(object_id).reopen()
        return self._close(request, object_id, "Reopened.", _("It is open again."))

    @action(
        description=_("Resolve all"),
        permissions=["handle", "resolve"],
        url_path="resolve-all",
        icon="check",
        dialog={
            "title": _("Is this over?"),
            "description": WILL_RESOLVE,
            "form_class": ResolveForm,
            "form_submit_text": _("Resolve all"),
        },
    )
    def resolve_all(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        return self._begin(request, object_id, BulkAction.RESOLVE, note=form.cleaned_data["note"])

    @action(
        description=_("Try all again"),
        permissions=["handle", "retry"],
        url_path="retry-all",
        icon="sync",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Try all again?"),
            "description": WILL_RETRY_ALL,
            "form_class": NumbersForm,
            "form_submit_text": _("Try all again"),
        },
    )
    def retry_all(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        return self._begin(request, object_id, BulkAction.RETRY)

    def _one(self, object_id: str) -> FailureGroupQuerySet:
        return FailureGroup.objects.filter(pk=object_id)

    def _close(
        self, request: HttpRequest, object_id: str, history: str, message: object
    ) -> HttpResponse:
        for group in self._one(object_id):
            self.log_change(request, group, history)
        messages.success(request, str(message))
        return close_dialog(self, object_id)

    def _begin(
        self, request: HttpRequest, object_id: str, asked: BulkAction, note: str = ""
    ) -> HttpResponse:
        group = get_object_or_404(self._one(object_id))
        failures = SyncFailure.objects.open().filter(group=group)
        self.log_change(request, group, f"{asked.name.capitalize()} all.")
        return go_to(begin(request, failures, asked, note=note, group=group))
