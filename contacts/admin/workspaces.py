"""The admin's pages of workspaces: the businesses that use LeadSync."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.admin.fields import LineField
from contacts.models import Contact, Workspace
from leadsync.admin.tools import ModelAdmin, pill


@admin.register(Workspace)
class WorkspaceAdmin(ModelAdmin):
    formfield_overrides = {
        models.CharField: {"form_class": LineField},
        models.SlugField: {"widget": UnfoldAdminTextInputWidget},
    }
    list_display = ["name", "slug", "region", "kapso_phone_number_id", "unknown", "leads"]
    list_display_links = ["name"]
    search_fields = ["name", "slug", "kapso_phone_number_id"]
    search_help_text = _("Name, slug or Kapso id")
    ordering = ["name", "pk"]
    actions = None
    fieldsets = [
        (None, {"fields": ["name", "slug", "region"]}),
        (_("Bots"), {"fields": ["kapso_phone_number_id", "creates_contacts"]}),
    ]

    @display(description=_("leads"))
    def leads(self, workspace: Workspace) -> str:
        page = reverse("admin:contacts_contact_changelist")
        query = urlencode({"workspace__id__exact": workspace.pk})
        return format_html('<a href="{}?{}" class="text-link">{}</a>', page, query, _("Show leads"))

    @display(description=_("unknown numbers"))
    def unknown(self, workspace: Workspace) -> SafeString:
        if workspace.creates_contacts:
            return pill(_("become leads"), "success")
        return pill(_("wait to be added"))

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        never_changes = _("How bots name the workspace. It can never be changed.")
        return super().get_form(request, *args, help_texts={"slug": never_changes}, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Workspace | None = None) -> list[str]:
        return ["slug"] if obj else []  # bots know the workspace by it

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Workspace | None = None
    ) -> dict[str, Any]:
        return {} if obj else {"slug": ["name"]}

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        """Never of a workspace in use: its leads and conversations would have no home."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and not (obj and _is_used(obj))


def _is_used(workspace: Workspace) -> bool:
    leads = Contact.objects.filter(workspace=workspace)
    used = workspace.conversations.exists() or workspace.api_keys.exists()
    return used or leads.exists()
