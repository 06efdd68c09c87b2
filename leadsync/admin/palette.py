"""The command palette: leads by name and phone, pages, and what can be done, as one short list."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from contacts.models import Contact
from leadsync.admin.navigation import navigation
from leadsync.admin.tools import MAX_SEARCH

SHOWN_LEADS = 8
SEE, LIST = "contacts.view_contact", "contacts_contact_changelist"
ACTIONS = (
    (_("Add a lead"), "add", "contacts.add_contact", "contacts_contact_add", ""),
    (_("Import leads"), "upload", "contacts.import_contact", "contacts_contact_import_page", ""),
    (_("Board of the pipeline"), "view_kanban", SEE, "contacts_contact_board", ""),
    (_("My leads"), "person", SEE, LIST, "?tab=mine"),
    (_("Hot leads"), "local_fire_department", SEE, LIST, "?tab=hot"),
)
"""Title, icon, permission, page, and its query."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    title: Any
    icon: str
    link: str
    aside: Any = ""


def search(request: HttpRequest) -> HttpResponse:
    typed = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_SEARCH]
    groups = (
        (_("Leads"), _leads(request, typed)),
        (_("Pages"), [one for one in _pages(request) if _has(one, typed)]),
        (_("Actions"), [one for one in _actions(request) if _has(one, typed)]),
    )
    found = [(title, some) for title, some in groups if some]
    context = {"groups": found, "typed": typed}
    return TemplateResponse(request, "leadsync/palette_results.html", context)


def _leads(request: HttpRequest, typed: str) -> list[Found]:
    if not typed or not request.user.has_perm("contacts.view_contact"):
        return []
    leads: Any = Contact.objects.visible_to(request.user).matching(typed)
    columns = ("pk", "name", "whatsapp_name", "whatsapp_username", "phone", "business_type")
    return [
        Found(
            title=lead,
            icon="person",
            link=reverse("admin:contacts_contact_change", args=[lead.pk]),
            aside=" · ".join(filter(None, [lead.phone, lead.business_type])),
        )
        for lead in leads.only(*columns).order_by("-last_activity_at")[:SHOWN_LEADS]
    ]


def _pages(request: HttpRequest) -> Iterator[Found]:
    for group in navigation(request):
        items: Any = group["items"]
        for item in items:
            yield Found(title=item["title"], icon=item["icon"], link=item["link"])


def _actions(request: HttpRequest) -> Iterator[Found]:
    for title, icon, permission, page, query in ACTIONS:
        if request.user.has_perm(permission):
            yield Found(title=title, icon=icon, link=reverse(f"admin:{page}") + query)


def _has(found: Found, typed: str) -> bool:
    return typed.casefold() in str(found.title).casefold()
