"""The page *Today*: whom to call first, and why."""

from typing import Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from contacts.models import Contact
from contacts.today import Entry, whom_to_call
from leadsync.admin.html import admin_link, ago, pill, table_of, temperature_pill

SHOWN = 100


class TodayPage:
    """Adds the page beside the list of leads."""

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.today)  # type: ignore[attr-defined]
        page = path("today/", view, name="contacts_contact_today")
        return [page, *super().get_urls()]  # type: ignore[misc]

    def today(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("contacts.view_contact"):
            raise PermissionDenied
        is_mine = request.GET.get("whose") == "me"
        user = cast(User, request.user)
        person = user if is_mine else None
        entries = whom_to_call(now=timezone.now(), person=person, seen_by=user)
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Today"),
            "opts": Contact._meta,
            "is_mine": is_mine,
            "count": len(entries),
            "table": _table(entries[:SHOWN]),
        }
        return TemplateResponse(request, "contacts/today.html", context)


def _table(entries: list[Entry]) -> SafeString:
    return table_of(
        entries,
        (_("priority"), _priority),
        (_("lead"), lambda entry: admin_link(entry.lead)),
        (_("why"), lambda entry: format_html("{} {}", pill(entry.reason.label), entry.why)),
        (_("temperature"), lambda entry: temperature_pill(entry.lead.lead_temperature)),
        (_("assigned to"), lambda entry: entry.lead.assigned_to or "-"),
        (_("last contacted"), lambda entry: ago(entry.lead.last_contact_at)),
    )


def _priority(entry: Entry) -> SafeString:
    """Show the number, and beneath it what it is made of."""
    parts = entry.priority
    told = _(
        "score %(score).0f · contact %(contact).0f · silence %(decay).0f · hurry %(urgency).0f"
    )
    numbers = {name: getattr(parts, name) for name in ("score", "contact", "decay", "urgency")}
    return format_html('<b>{}</b> <span class="ls-aside">{}</span>', parts.total, told % numbers)
