"""What is done with selected leads from the bar: first a preview with a form, then its result."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contacts import bulk_steps
from contacts.admin.fields import BlockField, LineField
from contacts.admin.next_step import SOON
from contacts.models import MAX_NOTE, MAX_STEP, Contact, ContactQuerySet, NoteKind
from contacts.worktime import Soon
from leadsync.admin.actions import (
    confirm_selection,
    dialog,
    is_confirmed,
    is_too_much,
    tell_retried,
)
from leadsync.admin.tools import ModelAdmin
from leadsync.infra.db import CAP, capped_count
from sarah.retry import retry_all
from sarah.said import not_synced

WILL_PLAN = _("A lead has one next step: this one takes the place of one that is open.")
WILL_NOTE = _("Each of these leads gets this note. A call or a chat stops the response clock.")
WILL_SYNC = _("What Sarah said of these leads and they do not know yet is written to them now.")

Filled = TypeVar("Filled", bound=forms.Form)


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
    kind = forms.ChoiceField(label=_("Kind"), choices=NoteKind, widget=UnfoldAdminSelectWidget)


def _asking(
    form: Filled,
    asked: Mapping[str, object],
    done: Callable[[HttpRequest, ContactQuerySet, Filled], None],
) -> Callable[[ModelAdmin, HttpRequest, ContactQuerySet], HttpResponse | None]:
    """Show what will happen, with the form; once it is filled in, do it."""

    def ask(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> HttpResponse | None:
        if not is_reasonable(request, leads):
            return None
        if form.is_valid():
            done(request, leads, form)
            return None
        action = request.POST["action"]
        return confirm_selection(page, request, leads, asked, action=action, form=form)

    return ask


def _sent(request: HttpRequest) -> Any:
    return request.POST if is_confirmed(request) else None


@admin.action(description=_("Follow-up"), permissions=["change"])
def plan_follow_up(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> Any:
    asked = dialog(_("What is the next step with these leads?"), WILL_PLAN, button=_("Plan"))
    return _asking(BulkStepForm(_sent(request)), asked, _plan)(page, request, leads)


def _plan(request: HttpRequest, leads: ContactQuerySet, form: BulkStepForm) -> None:
    asked = form.cleaned_data
    count = bulk_steps.plan_steps(
        leads,
        text=asked["text"],
        soon=Soon(asked["soon"]) if asked["soon"] else None,
        due_at=asked["due_at"],
        whose=cast(User, request.user),
        by=request.user.get_username(),
    )
    text = ngettext(
        "A next step is planned for %d lead.", "A next step is planned for %d leads.", count
    )
    messages.success(request, text % count)


@admin.action(description=_("Note"), permissions=["change"])
def write_note(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> Any:
    asked = dialog(_("Write a note on these leads"), WILL_NOTE, button=_("Write"))
    return _asking(BulkNoteForm(_sent(request)), asked, _note)(page, request, leads)


def _note(request: HttpRequest, leads: ContactQuerySet, form: BulkNoteForm) -> None:
    said = form.cleaned_data
    by = request.user.get_username()
    count = bulk_steps.write_notes(leads, text=said["text"], kind=said["kind"], by=by)
    text = ngettext("%d lead has the note.", "%d leads have the note.", count)
    messages.success(request, text % count)


@admin.action(description=_("Sync again"), permissions=["change"])
def sync_again(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> Any:
    states = _behind(leads)
    if not (is_reasonable(request, leads) and not is_too_much(request, states)):
        return None
    if not is_confirmed(request):
        asked = dialog(_("Sync these leads again?"), WILL_SYNC, button=_("Sync again"))
        return confirm_selection(page, request, leads, asked, action="sync_again")
    if not states.exists():
        messages.success(request, _("All of these leads are up to date already."))
        return None
    tell_retried(request, retry_all(states, by=request.user.get_username()))
    return None


def _behind(leads: ContactQuerySet) -> Any:
    """The conversations that these leads do not know of yet."""
    chosen: Any = Contact.objects.filter(pk__in=list(leads.order_by().values_list("pk", flat=True)))
    unlinked = Q(contact__isnull=True, contact_phone__in=chosen.values("phone"))
    here = Q(workspace__in=chosen.values("workspace"))
    return not_synced().filter(Q(contact__in=chosen) | unlinked & here)


def is_reasonable(request: HttpRequest, leads: ContactQuerySet) -> bool:
    """Return whether these leads are few enough; if not, tell the person."""
    if capped_count(leads) <= CAP:
        return True
    text = gettext("Nothing was changed: these are more than %d leads. Filter the list first.")
    messages.error(request, text % CAP)
    return False
