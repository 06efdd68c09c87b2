"""Actions on a cause: dialogs on its page, each a POST."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.forms import Form
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget

from leadsync.admin.actions import NoteForm, dialog, dialog_action, tell_resolved
from leadsync.admin.tools import ModelAdmin, holds
from monitoring.admin.selection import WILL_RESOLVE, numbers_of
from monitoring.models import FailureGroup, FailureGroupQuerySet, GroupStatus, SyncFailure
from sarah.resolve import resolve_cause

FOR_GOOD = datetime(2100, 1, 1, tzinfo=UTC)
"""Until when a cause is ignored that somebody has to reopen."""
UNTIL_REOPENED = 0
FOR_HOURS = {
    1: _("1 hour"),
    24: _("24 hours"),
    7 * 24: _("7 days"),
    30 * 24: _("30 days"),
    UNTIL_REOPENED: _("Until somebody reopens it"),
}


WILL_IGNORE = _(
    "Until then it is not among the open causes, counts in no number, and raises no alert. Nothing "
    "is closed: what is open shows again afterwards."
)


class CauseNoteForm(NoteForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["note"].help_text = _("For whoever looks at it later. May be empty.")


class IgnoreForm(CauseNoteForm):
    hours = forms.TypedChoiceField(
        label=_("For how long"),
        coerce=int,
        choices=list(FOR_HOURS.items()),
        initial=24,
        widget=UnfoldAdminSelectWidget,
    )
    field_order = ("hours", "note")


class CauseNoteDialog(CauseNoteForm, BaseDialogForm):
    """A note on a cause, asked for in a dialog."""


class IgnoreDialog(IgnoreForm, BaseDialogForm):
    """For how long to ignore a cause, asked for in a dialog."""


def end_of(hours: int) -> datetime:
    """When a cause that is ignored for so long is looked at again."""
    return FOR_GOOD if hours == UNTIL_REOPENED else timezone.now() + timedelta(hours=hours)


class ResolveForm(CauseNoteDialog):
    """Shows how many failures it is about."""

    form_before_template = "leadsync/numbers.html"

    def get_before_template_context(self, *_request: Any) -> dict[str, Any]:
        failures = SyncFailure.objects.visible_to(self.request.user)
        return {"numbers": numbers_of(failures.open().filter(group=self.object_id))}


class CauseActions(ModelAdmin):
    actions_detail = ("acknowledge", "ignore", "reopen", "resolve_all")

    has_handle_permission = holds("monitoring.handle_failuregroup")
    has_resolve_permission = holds("monitoring.resolve_syncfailure")
    has_retry_permission = holds("monitoring.retry_syncfailure")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer only the actions that make sense in the cause's status."""
        cause: Any = self.get_object(request, str(object_id))
        if cause is None or not cause.open_failures:
            return []
        pointless = {
            "acknowledge": cause.is_shared or cause.status == GroupStatus.ACKNOWLEDGED,
            "ignore": cause.is_shared,
            "reopen": cause.is_shared
            or not (cause.acknowledged_at or cause.status == GroupStatus.IGNORED),
        }
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if not pointless.get(one.path)]

    @dialog_action(
        description=_("Acknowledge"),
        permissions=["handle"],
        url_path="acknowledge",
        icon="visibility",
        dialog=dialog(
            _("Acknowledge this?"),
            _("Your colleagues see that you look after it."),
            button=_("Acknowledge"),
            form=CauseNoteDialog,
        ),
    )
    def acknowledge(self, request: HttpRequest, form: Form, object_id: str) -> None:
        causes = self._handled(request, object_id)
        causes.acknowledge(by=request.user.get_username(), note=form.cleaned_data["note"])
        self._close(request, object_id, "Acknowledged.", _("Acknowledged."))

    @dialog_action(
        description=_("Ignore"),
        permissions=["handle"],
        url_path="ignore",
        icon="notifications_off",
        dialog=dialog(
            _("Ignore this for a while?"),
            WILL_IGNORE,
            button=_("Ignore"),
            form=IgnoreDialog,
        ),
    )
    def ignore(self, request: HttpRequest, form: Form, object_id: str) -> None:
        until, note = end_of(form.cleaned_data["hours"]), form.cleaned_data["note"]
        causes = self._handled(request, object_id)
        causes.ignore(until=until, by=request.user.get_username(), note=note)
        self._close(request, object_id, gettext_noop("Ignored."), _("Ignored for a while."))

    @dialog_action(
        description=_("Reopen"),
        permissions=["handle"],
        url_path="reopen",
        icon="undo",
        dialog=dialog(
            _("Reopen this?"),
            _("It is among the open causes again, and nobody looks after it."),
            button=_("Reopen"),
        ),
    )
    def reopen(self, request: HttpRequest, form: Form, object_id: str) -> None:
        self._handled(request, object_id).reopen()
        self._close(request, object_id, "Reopened.", _("Reopened."))

    @dialog_action(
        description=_("Resolve all"),
        permissions=["handle", "resolve"],
        url_path="resolve-all",
        icon="check",
        dialog=dialog(_("Is this over?"), WILL_RESOLVE, button=_("Resolve all"), form=ResolveForm),
    )
    def resolve_all(self, request: HttpRequest, form: Form, object_id: str) -> None:
        cause = get_object_or_404(self._causes(request, object_id))
        by, note = request.user.get_username(), form.cleaned_data["note"]
        mine = SyncFailure.objects.visible_to(request.user)
        tell_resolved(request, resolve_cause(cause, by=by, note=note, among=mine))
        self._close(request, object_id, gettext_noop("Resolved all."))

    def _causes(self, request: HttpRequest, object_id: str) -> FailureGroupQuerySet:
        return FailureGroup.objects.visible_to(request.user).filter(pk=object_id)

    def _handled(self, request: HttpRequest, object_id: str) -> FailureGroupQuerySet:
        """The cause, if its status is this person's to set."""
        causes = FailureGroup.objects.handled_by(request.user).filter(pk=object_id)
        get_object_or_404(causes)
        return causes

    def _close(
        self, request: HttpRequest, object_id: str, history: str, message: object = ""
    ) -> None:
        self.log_change(request, get_object_or_404(self._causes(request, object_id)), history)
        if message:
            messages.success(request, str(message))
