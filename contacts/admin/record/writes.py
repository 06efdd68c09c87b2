"""What a person does on a lead's page, each with one POST that leads back to it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from contacts import bulk
from contacts.admin.actions import tell_undone
from contacts.admin.fields import BlockField
from contacts.admin.next_step import SOON, StepForm, plan
from contacts.admin.reasons import ReasonFields, moved_meanwhile
from contacts.admin.record.neighbours import back_to
from contacts.admin.record.reading import read
from contacts.admin.record.words import label_of, signature, told
from contacts.models import HOLDABLE, Contact, ContactQuerySet, NoteKind
from contacts.models.history import MAX_NOTE
from contacts.workflow import LeadStatus, MoveRefused, Why
from leadsync.admin.actions import tell_retried
from sarah.facts import EMPTY
from sarah.models import SarahState
from sarah.retry import retry_all
from sarah.takeover import hand_back

DRAFT_IS_SAVED = "ls-noted"
"""Lets the page forget what was typed into its note box."""
View = Callable[[HttpRequest, Contact], object]
AT = "at"
"""The choice of another time, which is typed."""


class NoteForm(StepForm):
    """A note, and what is to be done next."""

    kind = forms.ChoiceField(choices=NoteKind.choices, required=False)
    soon = forms.ChoiceField(required=False, choices=[*SOON.items(), (AT, "")])
    note = BlockField(required=False, max_length=MAX_NOTE)


class MoveForm(ReasonFields):
    to = forms.ChoiceField(choices=LeadStatus.choices)
    shown = forms.ChoiceField(choices=LeadStatus.choices, required=False)
    forced = forms.BooleanField(required=False)


class RecordWrites:
    """Adds these to the page of a lead."""

    def get_urls(self) -> list[URLPattern]:
        views: dict[str, tuple[View, str]] = {
            "note": (_note, "contacts.change_contact"),
            "move": (_move, "contacts.change_contact"),
            "undo": (_undo, "contacts.change_contact"),
            "hand-back": (_use_sarahs, "contacts.change_contact"),
            "sync": (_sync, "sarah.resync_sarahstate"),
            "let-sarah-speak": (_let_sarah_speak, "contacts.take_over_contact"),
        }
        admin_view: Any = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            *(
                path(
                    f"<int:pk>/{name}/",
                    admin_view(require_POST(partial(self._write, view=view, permission=needed))),
                    name=f"contacts_contact_{name.replace('-', '_')}",
                )
                for name, (view, needed) in views.items()
            ),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def _write(self, request: HttpRequest, pk: int, *, view: View, permission: str) -> HttpResponse:
        lead = get_object_or_404(visible_leads(self, request), pk=pk)
        if not request.user.has_perm(permission):
            raise PermissionDenied
        place = view(request, lead)
        return back_to(request, lead.pk, place=str(place or ""))


def visible_leads(page: Any, request: HttpRequest) -> ContactQuerySet:
    leads: ContactQuerySet = page.get_queryset(request)
    return leads.visible_to(request.user)


def _tell_errors(request: HttpRequest, form: forms.Form) -> None:
    for name, errors in form.errors.items():
        label = form.fields[name].label if name in form.fields else ""
        messages.error(request, f"{label or name}: {errors[0]}")


def _note(request: HttpRequest, lead: Contact) -> str:
    form = NoteForm(lead, request.POST)
    if not form.is_valid():
        _tell_errors(request, form)
        return "timeline"
    said, by = form.cleaned_data, request.user.get_username()
    is_planned = said["soon"] or said["due_at"]
    said["soon"] = said["soon"].removeprefix(AT)
    if said["note"]:
        lead.notes.create(text=said["note"], kind=said["kind"] or NoteKind.NOTE, author=by)
        messages.success(request, _("Noted."), extra_tags=DRAFT_IS_SAVED)
    elif not is_planned:
        messages.error(request, _("Write a note, or choose a next step."))
    if is_planned:
        plan(request, lead, said)
    return "timeline"


@transaction.atomic
def _move(request: HttpRequest, lead: Contact) -> None:
    form = MoveForm(request.POST)
    if not form.is_valid():
        return _tell_errors(request, form)
    said, by = form.cleaned_data, request.user.get_username()
    to, lead = said["to"], Contact.objects.select_for_update(no_key=True).get(pk=lead.pk)
    if overtaken := moved_meanwhile(lead, said["shown"]):
        return messages.error(request, overtaken)
    if to == lead.lead_status:
        return _confirm(request, lead)
    forced = said["forced"] and bool(request.user.is_superuser)
    why = Why(text=said["reason"], archived=said["archive_reason"], forced=forced)
    try:
        lead.change_status(to, by=by, why=why)
    except MoveRefused as refused:
        return messages.error(request, refused.in_words)
    return messages.success(request, _("Moved to “%s”.") % LeadStatus(to).label)


def _confirm(request: HttpRequest, lead: Contact) -> None:
    """Make a person's word of what Sarah said."""
    leads = Contact.objects.filter(pk=lead.pk)
    if bulk.confirm_status(leads, by=request.user.get_username()):
        messages.success(request, _("Noted: you say so now, not only Sarah."))
    else:
        messages.info(request, _("Nothing was changed."))


def _undo(request: HttpRequest, lead: Contact) -> None:
    leads = Contact.objects.filter(pk=lead.pk)
    tell_undone(request, bulk.undo_moves(leads, by=request.user.get_username()))


def _use_sarahs(request: HttpRequest, lead: Contact) -> str:
    """Let Sarah write a field again, beginning with what she said of it last."""
    name = request.POST.get("field", "")
    if name not in HOLDABLE:
        return ""
    last = lead.edits.filter(field=name).first()
    if last and request.GET.get("seen", last.at.isoformat()) != last.at.isoformat():
        text = _("%(who)s has written “%(what)s” here meanwhile. Press again to use Sarah's.")
        said = {"who": signature(last.by), "what": told(name, getattr(lead, name))}
        messages.error(request, text % said)
        return f"fact-{name}"
    says = read(lead, request.user).said.get(name)
    values = {} if says in EMPTY else {name: says}
    lead.edit(values, by=request.user.get_username(), handed_back=[name])
    messages.success(request, _("Sarah writes “%s” again.") % label_of(name))
    return f"fact-{name}"


def _sync(request: HttpRequest, lead: Contact) -> None:
    states = SarahState.objects.of_lead(lead)
    tell_retried(request, retry_all(states, by=request.user.get_username()))


def _let_sarah_speak(request: HttpRequest, lead: Contact) -> None:
    if hand_back(lead, by=request.user.get_username()):
        messages.success(request, _("Sarah answers this lead again."))
