"""Bulk actions on selected leads; each changes rows only by POST."""

from collections.abc import Mapping
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from contacts import bulk
from contacts.admin.assigning import AssignForm, assign
from contacts.admin.desk.bulk import is_reasonable, plan_follow_up, sync_again, write_note
from contacts.admin.reasons import ArchiveForm, ForceForm, StatusForm
from contacts.models import ContactQuerySet
from contacts.workflow import UNSAID, AuthorKind, LeadStatus, Why, refusal
from leadsync.admin.actions import confirm_selection, dialog, is_confirmed
from leadsync.admin.tools import ModelAdmin

WILL_ASSIGN = _(
    "Their open next steps go along, and the history says who assigned them. A person gets only "
    "leads of their own workspaces."
)
WILL_MOVE = _(
    "Those whose status leads there move; the others stay, and you are told how many. For the "
    "archive, say why: the reason is counted."
)
WILL_FORCE = _(
    "Every selected lead gets this status, also where no rule leads there. Its history keeps your "
    "name and your reason."
)


@admin.action(description=_("Assign to me"), permissions=["change"])
def assign_to_me(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> None:
    if is_reasonable(request, leads):
        assign(request, leads, cast(User, request.user))


@admin.action(description=_("Assign"), permissions=["change"])
def assign_to(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> Any:
    if not is_reasonable(request, leads):
        return None
    form = AssignForm(request.POST if is_confirmed(request) else None, leads=leads)
    if form.is_valid():
        assign(request, leads, form.cleaned_data["person"])
        return None
    asked = dialog(_("Who takes these leads?"), WILL_ASSIGN, button=_("Assign"))
    return confirm_selection(page, request, leads, asked, action=request.POST["action"], form=form)


@admin.action(description=_("Status"), permissions=["change"])
def change_status(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> Any:
    asked = dialog(_("Change the status of these leads?"), WILL_MOVE, button=_("Change"))
    return _ask_and_move(page, request, leads, StatusForm, asked)


@admin.action(description=_("Change status against the rules"), permissions=["force"])
def force_status(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> Any:
    asked = dialog(_("Change the status against the rules?"), WILL_FORCE, button=_("Change"))
    return _ask_and_move(page, request, leads, ForceForm, asked)


@admin.action(description=_("Undo my last move"), permissions=["change"])
def undo_moves(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> None:
    if is_reasonable(request, leads):
        tell_undone(request, bulk.undo_moves(leads, by=request.user.get_username()))


def tell_undone(request: HttpRequest, count: int) -> None:
    """Tell the person how many moves were taken back."""
    if not count:
        messages.warning(request, _("You changed no status here in the last 10 minutes."))
        return
    text = ngettext("%d move was undone.", "%d moves were undone.", count)
    messages.success(request, text % count)


def _ask_and_move(
    page: ModelAdmin,
    request: HttpRequest,
    leads: ContactQuerySet,
    form_class: type[ArchiveForm],
    asked: Mapping[str, object],
) -> TemplateResponse | None:
    if not is_reasonable(request, leads):
        return None
    form = form_class(request.POST if is_confirmed(request) else None)
    if form.is_valid():
        _move(request, leads, form.chosen, why=form.why())
        return None
    action = request.POST["action"]
    return confirm_selection(page, request, leads, asked, action=action, form=form)


def _move(request: HttpRequest, leads: ContactQuerySet, status: str, why: Why = UNSAID) -> None:
    done = bulk.change_status(leads, status, by=request.user.get_username(), why=why)
    text = ngettext(
        "%(count)d lead moved to “%(status)s”.",
        "%(count)d leads moved to “%(status)s”.",
        done.moved,
    )
    messages.success(request, text % {"count": done.moved, "status": LeadStatus(status).label})
    for current, count in done.refused_from.items():
        why_not = refusal(current, status, kind=AuthorKind.PERSON).in_words
        text = ngettext(
            "%(count)d lead stays where it is. %(why_not)s",
            "%(count)d leads stay where they are. %(why_not)s",
            count,
        )
        messages.warning(request, text % {"count": count, "why_not": why_not})


@admin.action(description=_("Confirm what Sarah set"), permissions=["change"])
def confirm_status(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> None:
    if is_reasonable(request, leads):
        tell_confirmed(request, bulk.confirm_status(leads, by=request.user.get_username()))


def tell_confirmed(request: HttpRequest, count: int) -> None:
    """Tell the person how many leads they have contacted or converted themselves, as they say."""
    text = ngettext(
        "%d lead is now contacted or converted by you; of the others, no bot said so.",
        "%d leads are now contacted or converted by you; of the others, no bot said so.",
        count,
    )
    messages.success(request, text % count)


ACTIONS = [
    assign_to_me,
    assign_to,
    change_status,
    plan_follow_up,
    write_note,
    sync_again,
    confirm_status,
    undo_moves,
    force_status,
]
