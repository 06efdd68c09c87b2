"""The admin's home page: what a person of each role wants to know first.

Each number is counted by the QuerySet method that the linked list filters with.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.admin.html import list_url
from leadsync.admin.members import no_workspace_yet
from leadsync.dashboard.calls import call_section, todo_section
from leadsync.dashboard.checklist import checklist_section
from leadsync.dashboard.message_charts import message_charts
from leadsync.dashboard.numbers import Number
from leadsync.dashboard.operation import light_section, part_section
from leadsync.dashboard.results import funnel_section, result_section, week_section
from leadsync.dashboard.scope import PERIODS, Scope, scope_of
from leadsync.dashboard.strangers import strangers
from leadsync.dashboard.top_causes import cause_section
from monitoring.admin.details import KIND_COLOURS
from monitoring.health.parts import Parts
from monitoring.kinds import Kind
from monitoring.models import SyncFailure

SECONDS_TO_READ = 5.0
FAILURES = "monitoring_syncfailure"
CALLS, OPERATION = "calls", "operation"
SELLS, OPERATES = "contacts.view_contact", "monitoring.view_failuregroup"
SEES_STRANGERS, SEES_MESSAGES = "sarah.view_sarahstate", "sarah.view_stateupdate"
SEES_FAILURES = "monitoring.view_syncfailure"
SWITCHES = ("view", "days", "workspace")
TITLES = {CALLS: _("Leads"), OPERATION: _("Operation")}
GREETINGS = ((11, _("Good morning")), (18, _("Good afternoon")), (24, _("Good evening")))


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the template context with the sections that this person may see."""
    if text := no_workspace_yet(request.user):
        messages.info(request, text)
    scope, parts = scope_of(request), Parts(seconds=SECONDS_TO_READ)
    views = [view for view, right in ((CALLS, SELLS), (OPERATION, OPERATES)) if _may(scope, right)]
    view = _chosen(request, views)
    now = timezone.localtime()
    board: dict[str, Any] = {
        "now": now,
        "greeting": next(text for hour, text in GREETINGS if now.hour < hour),
        "name": scope.user.first_name or scope.user.get_username(),
        "scope": scope,
        "view": view,
        "views": _switch(request, "view", view, [(one, TITLES[one]) for one in views]),
        "periods": _switch(request, "days", scope.days, [(n, _days(n)) for n in PERIODS]),
        "workspaces": _workspaces(request, scope),
    }
    for name, section in _sections(request, scope, view):
        board |= parts.read(name, section, {})
    board["unreadable"] = [LABELS[name] for name in parts.unreadable]
    return context | {"board": board}


def _sections(
    request: HttpRequest, scope: Scope, view: str
) -> list[tuple[str, Callable[[], dict[str, Any]]]]:
    """Those of this view that this person may see, in their order."""
    owner, sells, operates = (_may(scope, SELLS, OPERATES), view == CALLS, view == OPERATION)
    wanted: list[tuple[bool, str, Callable[[], dict[str, Any]]]] = [
        (True, "setup", partial(checklist_section, scope)),
        (_may(scope, OPERATES), "conversations", partial(light_section, scope)),
        (_may(scope, SEES_STRANGERS), "conversations", partial(_strangers, scope)),
        (sells, "leads", partial(todo_section, scope)),
        (sells, "leads", partial(call_section, scope)),
        (sells, "leads", partial(week_section, scope)),
        (sells, "leads", partial(funnel_section, scope)),
        (sells and owner, "leads", partial(result_section, scope)),
        (operates, "operation", partial(part_section, scope)),
        (operates, "failures", partial(cause_section, scope, request)),
        (
            operates and _may(scope, SEES_MESSAGES),
            "messages",
            lambda: {"messages": message_charts(scope)},
        ),
        (
            operates and _may(scope, SEES_FAILURES),
            "failures",
            partial(_kinds, scope),
        ),
    ]
    return [(name, section) for is_wanted, name, section in wanted if is_wanted]


def _strangers(scope: Scope) -> dict[str, Any]:
    return {"strangers": strangers(scope.user, scope.workspace)}


def _kinds(scope: Scope) -> dict[str, Any]:
    """Open failures by kind."""
    seen = SyncFailure.objects.visible_to(scope.user).open()
    if scope.workspace:
        seen = seen.filter(workspace_ref=scope.workspace.slug)
    counts = dict(seen.values_list("kind").annotate(Count("pk")).order_by("kind"))
    here = {"workspace": scope.workspace.slug} if scope.workspace else {}
    numbers = [
        Number(
            label=kind.label,
            count=counts[kind],
            url=list_url(FAILURES, outcome="open", kind__exact=kind, **here),
            colour=KIND_COLOURS[kind],
        )
        for kind in Kind
        if kind in counts
    ]
    return {"failures": {"kinds": numbers}}


def _may(scope: Scope, *permissions: str) -> bool:
    return bool(scope.user.has_perms(permissions))


def _chosen(request: HttpRequest, views: list[str]) -> str:
    """The view that was asked for; else leads for who owns or sells, operation for who operates."""
    asked = request.GET.get("view")
    if asked in views:
        return str(asked)
    first_is_operation = not getattr(request.user, "is_superuser", False) and OPERATION in views
    return OPERATION if first_is_operation else next(iter(views), "")


def _switch(
    request: HttpRequest, name: str, current: object, choices: list[tuple[Any, Any]]
) -> list[dict[str, object]]:
    """The links of a switch; each keeps what the others say. None if there is no choice."""
    if len(choices) < 2:
        return []
    kept = {key: value for key, value in request.GET.items() if key in SWITCHES}
    return [
        {
            "title": title,
            "url": f"?{urlencode(kept | {name: value})}",
            "is_current": value == current,
        }
        for value, title in choices
    ]


def _workspaces(request: HttpRequest, scope: Scope) -> list[dict[str, object]]:
    named = [(one.pk, str(one)) for one in scope.workspaces]
    current = scope.workspace.pk if scope.workspace else ""
    return _switch(
        request, "workspace", current, [("", _("All workspaces")), *named] if len(named) > 1 else []
    )


def _days(count: int) -> str:
    return _("%d days") % count


LABELS = {
    "setup": _("Checklist"),
    "leads": _("Leads"),
    "conversations": _("Conversations with Sarah"),
    "messages": _("Messages from Sarah"),
    "failures": _("Sync failures"),
    "operation": _("Operation"),
}
