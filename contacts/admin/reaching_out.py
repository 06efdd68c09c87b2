"""What a person does on a lead's page: open the chat, confirm what Sarah set, undo a move."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import action

from contacts import bulk
from contacts.admin.actions import tell_confirmed, tell_undone
from contacts.models import Contact
from leadsync.admin.actions import close_dialog, dialog

WILL_CONFIRM = _(
    "You say that you have contacted this lead, or won it. Until now, only Sarah said so. It gets "
    "a line in its history with your name."
)

WILL_UNDO = _(
    "The lead is where it was before you changed its status, if that was in the last 10 minutes."
)


class ReachingOut:
    """Adds these to the page of a lead."""

    @action(
        description=_("Confirm what Sarah set"),
        permissions=["change"],
        url_path="confirm-status",
        icon="how_to_reg",
        dialog=dialog(_("Confirm the status?"), WILL_CONFIRM, button=_("Confirm")),
    )
    def confirm_this(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        leads = Contact.objects.filter(pk=object_id)
        tell_confirmed(request, bulk.confirm_status(leads, by=request.user.get_username()))
        return close_dialog(self, object_id)  # type: ignore[arg-type]

    @action(
        description=_("Undo my last move"),
        permissions=["change"],
        url_path="undo-move",
        icon="undo",
        dialog=dialog(_("Undo your last move?"), WILL_UNDO, button=_("Undo")),
    )
    def undo_move(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        leads = Contact.objects.filter(pk=object_id)
        tell_undone(request, bulk.undo_moves(leads, by=request.user.get_username()))
        return close_dialog(self, object_id)  # type: ignore[arg-type]

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
