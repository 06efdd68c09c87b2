"""The sidebar of the admin; each person sees only what they may open."""

from collections.abc import Callable
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.cache import cache
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from leadsync.infra.visible import VisibleQuerySet, reach_of
from monitoring.health.parts import Parts
from monitoring.models import Alert, SyncFailure

BADGES: dict[str, Callable[[], VisibleQuerySet[Any]]] = {
    "monitoring_syncfailure": SyncFailure.objects.to_deal_with,
    "monitoring_alert": Alert.objects.to_deal_with,
}
BADGE_SECONDS = 15
FORGOTTEN = "leadsync.admin.navigation"
"""In the cache: since when the numbers before are forgotten."""
BADGE_PATIENCE = 0.5
"""Seconds to read a number."""

PEOPLE = _("People")
GROUPS = (
    (
        _("Leads"),
        (
            (_("Leads"), "group", "contacts_contact"),
            (_("Conversations with Sarah"), "forum", "sarah_sarahstate"),
            (_("Messages from Sarah"), "history", "sarah_stateupdate"),
        ),
    ),
    (
        _("Operation"),
        (
            (_("Sync failures"), "sync_problem", "monitoring_syncfailure"),
            (_("Causes of failures"), "category", "monitoring_failuregroup"),
            (_("Alerts"), "notifications", "monitoring_alert"),
            (_("Alert settings"), "notification_settings", "monitoring_alertsettings"),
            (_("Deliveries from Kapso"), "inbox", "sarah_kapsodelivery"),
            (_("Reconciliations"), "rule", "monitoring_syncrun"),
            (_("Workspaces"), "storefront", "contacts_workspace"),
            (_("API keys"), "key", "leadsync_apikey"),
        ),
    ),
    (
        PEOPLE,
        (
            (_("Users"), "person", "auth_user"),
            (_("Roles"), "groups", "auth_group"),
            (_("Failed log-ins"), "lock", "leadsync_failedlogin"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, object]]:
    """Return the sidebar for Unfold, without entries that this person may not open."""
    home = {"title": _("Home"), "icon": "home", "link": reverse("admin:index")}
    first = [home]
    if request.user.has_perm("contacts.view_contact"):
        page = reverse("admin:contacts_contact_today")
        first.append({"title": _("Today"), "icon": "today", "link": page})
    groups: list[dict[str, object]] = [{"items": first}]
    invite = {"title": _("Invite a colleague"), "icon": "person_add", "link": reverse("invite")}
    for title, entries in GROUPS:
        items = [
            _item(request, entry, label, icon)
            for entry, icon, label in entries
            if _may_open(request, label)
        ]
        if title == PEOPLE and request.user.has_perm("contacts.invite_member"):
            items.insert(0, invite)
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def forget_open_failures() -> None:
    """Drop the cached numbers of open failures, because a person just changed them and looks at
    them."""
    cache.set(FORGOTTEN, timezone.now().isoformat(), BADGE_SECONDS)


def _may_open(request: HttpRequest, label: str) -> bool:
    app, model = label.split("_")
    if app == "auth":  # as `ForSuperusers` of these pages says
        return request.user.is_superuser
    return request.user.has_perm(f"{app}.view_{model}")


def _item(request: HttpRequest, title: object, label: str, icon: str) -> dict[str, object]:
    item = {"title": title, "icon": icon, "link": reverse(f"admin:{label}_changelist")}
    if label in BADGES and (count := _open_rows(request, label)):
        item |= {"badge": intcomma(count), "badge_variant": "danger"}
    return item


def _open_rows(request: HttpRequest, label: str) -> int:
    """Return the number of open rows that this person sees; cached, because every admin page asks.
    0 while the table is locked or broken: that must not keep the page from opening."""
    count = BADGES[label]().visible_to(request.user).count
    parts = Parts(seconds=BADGE_PATIENCE)
    key = f"{FORGOTTEN}.{label}.{reach_of(request.user).key}.{cache.get(FORGOTTEN, '')}"
    return cache.get_or_set(key, lambda: parts.read(label, count, 0), BADGE_SECONDS) or 0
