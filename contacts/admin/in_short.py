"""How a workspace stands, in a few sentences: the first thing that its page says."""

from collections.abc import Iterator
from typing import Any

from django.urls import reverse
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import time_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Contact, Workspace
from leadsync.admin.html import NOTHING, ago, as_link, list_url
from leadsync.infra.db import capped_count, shown_count
from sarah.models import KapsoFeed, SarahState

NAMED = 3
"""Members whose names are told."""


def in_short(workspace: Workspace) -> SafeString:
    lines = ((line,) for line in _sentences(workspace))
    return format_html_join("", '<div class="ls-item">{}</div>', lines)


def _sentences(workspace: Workspace) -> Iterator[Any]:
    yield _leads(workspace)
    yield _members(workspace)
    yield _whatsapp(workspace)
    if workspace.creates_contacts:
        yield _("Unknown numbers become leads by themselves.")
    else:
        yield _("Unknown numbers wait until somebody adds them.")
    yield _hours(workspace)


def _leads(workspace: Workspace) -> SafeString:
    leads = capped_count(Contact.objects.filter(workspace=workspace).values("pk"))
    text = ngettext("%s lead", "%s leads", leads) % shown_count(leads)
    link = as_link(list_url("contacts_contact", workspace__id__exact=workspace.pk), text)
    newest = SarahState.objects.filter(workspace=workspace).order_by("-updated_at").first()
    if newest is None:
        return format_html(_("{}; Sarah has not said anything yet."), link)
    return format_html(_("{}; Sarah was last heard {}."), link, ago(newest.updated_at))


def _members(workspace: Workspace) -> str:
    members = workspace.memberships.select_related("user").order_by("user__username")
    names = [one.user.get_full_name() or one.user.get_username() for one in members[: NAMED + 1]]
    if not names:
        return _("Nobody is a member yet: nobody can be given its leads.")
    shown = ", ".join(names[:NAMED])
    if more := workspace.memberships.count() - NAMED if len(names) > NAMED else 0:
        shown = _("%(names)s and %(count)d more") % {"names": shown, "count": more}
    return _("Members: %s.") % shown


def _whatsapp(workspace: Workspace) -> Any:
    feed = KapsoFeed.objects.filter(workspace=workspace).first()
    if feed is None:
        page = reverse("admin:contacts_workspace_webhook", args=[workspace.pk])
        return format_html(
            "{} {}", _("Kapso's webhook is not connected."), as_link(page, _("Connect it"))
        )
    if feed.last_event_at is None:
        return _("Kapso's webhook is connected; no event has come yet.")
    return format_html(_("Kapso's webhook works: the last event came {}."), ago(feed.last_event_at))


def _hours(workspace: Workspace) -> str:
    days = ", ".join(str(WEEKDAYS_ABBR[int(day) - 1]) for day in workspace.working_days)
    return _("Open %(days)s, %(from)s to %(to)s; hot leads are answered within %(n)d minutes.") % {
        "days": days or NOTHING,
        "from": time_format(workspace.opens_at, "H:i"),
        "to": time_format(workspace.closes_at, "H:i"),
        "n": workspace.hot_minutes,
    }
