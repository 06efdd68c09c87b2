"""What a new installation still needs: a list on the home page until it is done or dismissed."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db.models import Min
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from contacts.models import Contact
from leadsync.admin.invite import MAY_INVITE
from leadsync.dashboard.scope import Scope
from leadsync.models import ApiKey, Dismissal
from sarah.models import KapsoFeed

NAME = "checklist"
NEW_FOR = timedelta(days=30)
IS_DONE = "leadsync.checklist.done"
"""In the cache: there is nothing left to do, or to look up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    title: str
    why: str
    url: str
    is_done: bool


def checklist_section(scope: Scope) -> dict[str, Any]:
    """The steps, for who may set things up; nothing once all are done or they were dismissed."""
    is_for = scope.user.has_perms(["leadsync.add_apikey", "contacts.change_workspace"])
    if not is_for or cache.get(IS_DONE) or not _is_new():
        return {}
    if Dismissal.objects.filter(user=scope.user, what=NAME).exists():
        return {}
    steps = _steps(scope)
    if all(step.is_done for step in steps):
        cache.set(IS_DONE, True, NEW_FOR.total_seconds())
        return {}
    return {"checklist": steps, "checklist_done": sum(step.is_done for step in steps)}


@require_POST
def dismiss(request: HttpRequest) -> HttpResponse:
    """Show the list to this person no more."""
    Dismissal.objects.get_or_create(user=request.user, what=NAME)
    return redirect("admin:index")


def _is_new() -> bool:
    first = User.objects.filter(is_staff=True).aggregate(at=Min("date_joined"))["at"]
    return first is not None and timezone.now() - first < NEW_FOR


def _steps(scope: Scope) -> list[Step]:
    first = scope.workspaces[0] if scope.workspaces else None
    keys = ApiKey.objects.visible_to(scope.user)
    feeds = KapsoFeed.objects.visible_to(scope.user)
    is_named = len(scope.workspaces) > 1 or (first is not None and first.name != "Default")
    webhook = reverse("admin:contacts_workspace_webhook", args=[first.pk]) if first else ""
    return [
        Step(
            title=_("Name your workspace"),
            why=_("Each business has one, with its own people, leads and keys."),
            url=reverse("admin:contacts_workspace_change", args=[first.pk])
            if first
            else reverse("admin:contacts_workspace_add"),
            is_done=is_named,
        ),
        Step(
            title=_("Connect a bot"),
            why=_("It gets a key, and tells here what it learns of people."),
            url=reverse("admin:leadsync_apikey_connect"),
            is_done=keys.filter(updates__isnull=False).exists(),
        ),
        Step(
            title=_("Connect Kapso's webhook"),
            why=_("Then whoever writes is a lead from the first message on, with the chat."),
            url=webhook,
            is_done=feeds.filter(last_event_at__isnull=False).exists(),
        ),
        Step(
            title=_("Invite a colleague"),
            why=_("Who sells sees whom to call; who operates sees what is wrong."),
            url=reverse("invite") if scope.user.has_perm(MAY_INVITE) else "",
            is_done=User.objects.filter(is_staff=True, is_active=True).count() > 1,
        ),
        Step(
            title=_("Get the first lead"),
            why=_("Write to Sarah yourself, add one, or import them from a spreadsheet."),
            url=reverse("admin:contacts_contact_changelist"),
            is_done=Contact.objects.visible_to(scope.user).exists(),
        ),
    ]
