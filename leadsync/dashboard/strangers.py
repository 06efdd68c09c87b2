"""People who wrote to Sarah and are no leads yet: a line of the dashboard, with buttons."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from contacts.models import Workspace
from leadsync.admin.actions import tell_retried
from leadsync.admin.html import list_url
from leadsync.infra.db import CAP, shown_count
from sarah.models import SarahState
from sarah.strangers import add_all

SHOWN = 5
"""Lines; the rest is in the list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """Those of one workspace; without one, the bot did not say where they belong."""

    workspace: Workspace | None
    count: int
    is_only: bool

    @property
    def sentence(self) -> str:
        text = ngettext(
            "%(count)s person wrote to Sarah who is no lead yet",
            "%(count)s people wrote to Sarah who are no leads yet",
            self.count,
        ) % {"count": shown_count(self.count)}
        if self.workspace is None:
            return _("%s, and the bot did not say in which workspace") % text
        return text if self.is_only else f"{text}: {self.workspace}"

    @property
    def url(self) -> str:
        if self.workspace is None:
            return list_url("sarah_sarahstate", sync="strangers-nowhere")
        here = {"workspace__id__exact": self.workspace.pk}
        return list_url("sarah_sarahstate", sync="strangers", **here)


def strangers(user: Any, workspace: Workspace | None = None) -> list[Strangers]:
    """Return the lines, the longest first; at most just over CAP people are counted."""
    seen = SarahState.objects.visible_to(user)
    if workspace:
        seen = seen.filter(workspace=workspace)
    homes = seen.strangers().order_by("pk").values_list("workspace", flat=True)
    counts = Counter(homes[: CAP + 1]).most_common(SHOWN)
    workspaces = Workspace.objects.in_bulk([pk for pk, _count in counts if pk])
    return [
        Strangers(workspace=workspaces.get(pk), count=count, is_only=len(counts) == 1)
        for pk, count in counts
    ]


@require_POST
@permission_required(["sarah.view_sarahstate", "contacts.add_contact"], raise_exception=True)
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Add all strangers of a workspace as leads."""
    workspace = get_object_or_404(Workspace.objects.visible_to(request.user), pk=pk)
    here = SarahState.objects.strangers().filter(workspace=workspace)
    tried = add_all(here, by=request.user.get_username())
    added = tried.synced + tried.due + tried.still_failing
    text = ngettext("%d person is a lead now.", "%d people are leads now.", added) % added
    messages.success(request, text)
    tell_retried(request, tried)
    return redirect("admin:index")


@require_POST
@permission_required(["sarah.view_sarahstate", "contacts.change_workspace"], raise_exception=True)
def add_always(request: HttpRequest, pk: int) -> HttpResponse:
    """Let unknown numbers become leads in a workspace; those who wrote already do so at once."""
    workspace = get_object_or_404(Workspace.objects.visible_to(request.user), pk=pk)
    workspace.creates_contacts = True
    workspace.save(update_fields=["creates_contacts"])
    switch = Workspace._meta.get_field("creates_contacts").verbose_name
    pages = admin.site.get_model_admin(Workspace)
    pages.log_change(request, workspace, [{"changed": {"fields": [str(switch)]}}])
    text = _("From now on, whoever writes to Sarah in %s becomes a lead.") % workspace
    messages.success(request, text)
    return redirect("admin:index")
