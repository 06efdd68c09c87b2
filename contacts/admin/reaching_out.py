"""Opening the chat with a lead in WhatsApp, which counts as reaching out."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from contacts.models import Contact


class ReachingOut:
    """Adds it to the page of a lead."""

    def has_force_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_superuser)

    def get_urls(self) -> list[URLPattern]:
        admin_view: Any = self.admin_site.admin_view  # type: ignore[attr-defined]
        view = admin_view(require_POST(self.open_chat))
        chat = path("<int:pk>/chat/", view, name="contacts_contact_open_chat")
        return [chat, *super().get_urls()]  # type: ignore[misc]

    def open_chat(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Open the chat with a lead in WhatsApp, and note that a person did."""
        lead = get_object_or_404(Contact, pk=pk, phone__isnull=False)
        if not self.has_change_permission(request, lead):  # type: ignore[attr-defined]
            raise PermissionDenied
        Contact.objects.filter(pk=pk).reached_out(by=request.user.get_username(), at=timezone.now())
        return HttpResponseRedirect(f"https://wa.me/{(lead.phone or '').removeprefix('+')}")
