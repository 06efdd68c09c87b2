"""Bulk actions on selected leads; each changes rows only by POST."""

from collections.abc import Callable
from typing import cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from contacts import bulk
from contacts.models import ContactQuerySet
from contacts.workflow import LeadStatus
from leadsync.admin.tools import ModelAdmin
from leadsync.infra.db import CAP, capped_count

Action = Callable[[ModelAdmin, HttpRequest, ContactQuerySet], None]


@admin.action(description=_("Assign to me"), permissions=["change"])
def assign_to_me(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> None:
    if _is_reasonable(request, leads):
        count = bulk.assign(leads, cast(User, request.user))
        text = ngettext(
            "%d lead is now assigned to you.", "%d leads are now assigned to you.", count
        )
        messages.success(request, text % count)


def moving_to(status: LeadStatus) -> Action:
    """Return the action that changes the status of leads to this one."""

    @admin.action(
        description=format_lazy(_("Change status to “{status}”"), status=status.label),
        permissions=["change"],
    )
    def move(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> None:
        if _is_reasonable(request, leads):
            count = bulk.change_status(leads, status, by=request.user.get_username())
            text = ngettext(
                "%(count)d lead moved to “%(status)s”; the others were there already.",
                "%(count)d leads moved to “%(status)s”; the others were there already.",
                count,
            )
            messages.success(request, text % {"count": count, "status": status.label})

    move.__name__ = f"move_to_{status.value}"
    return move


@admin.action(description=_("Confirm what Sarah set"), permissions=["change"])
def confirm_status(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> None:
    if _is_reasonable(request, leads):
        tell_confirmed(request, bulk.confirm_status(leads, by=request.user.get_username()))


def tell_confirmed(request: HttpRequest, count: int) -> None:
    """Tell the person how many leads they have contacted or converted themselves, as they say."""
    text = ngettext(
        "%d lead is now contacted or converted by you; of the others, no bot said so.",
        "%d leads are now contacted or converted by you; of the others, no bot said so.",
        count,
    )
    messages.success(request, text % count)


ACTIONS = [assign_to_me, *map(moving_to, LeadStatus), confirm_status]


def _is_reasonable(request: HttpRequest, leads: ContactQuerySet) -> bool:
    if capped_count(leads) <= CAP:
        return True
    text = _("Nothing was changed: these are more than %d leads. Filter the list first.")
    messages.error(request, text % CAP)
    return False
