"""*Connect Kapso's webhook*: an address and a secret, what to do at Kapso, and the first event."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from sarah.models import KapsoDelivery, KapsoFeed

EVENTS = (
    "whatsapp.message.received",
    "whatsapp.message.sent",
    "whatsapp.message.delivered",
    "whatsapp.message.read",
    "whatsapp.message.failed",
    "whatsapp.conversation.created",
    "whatsapp.contact.identity_changed",
    "whatsapp.contact.marketing_preference_changed",
)
"""What to tick at Kapso: we have a use for these."""


class WebhookPage:
    """Adds the page to a workspace, and the fragment that it asks for until an event has come."""

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view  # type: ignore[attr-defined]
        return [
            path("<int:pk>/webhook/", view(self.webhook), name="contacts_workspace_webhook"),
            path("<int:pk>/came/", view(self.webhook_came), name="contacts_workspace_came"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def webhook(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A POST makes address and secret; the secret is shown in its answer, this once."""
        workspace = self._workspace(request, pk)
        feed, secret = KapsoFeed.objects.filter(workspace=workspace).first(), ""
        if request.method == "POST":
            feed, is_new = KapsoFeed.objects.get_or_create(workspace=workspace)
            if is_new:
                secret = feed.secret
                self.log_change(request, workspace, gettext_noop("Connected Kapso."))  # type: ignore[attr-defined]
        address = reverse("kapso", args=[workspace.slug])
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Connect Kapso's webhook: %s") % workspace,
            "workspace": workspace,
            "secret": secret,
            "address": request.build_absolute_uri(f"{address}/"),
            "events": EVENTS,
            **_state_of(feed),
        }
        return TemplateResponse(request, "contacts/webhook.html", context)

    def webhook_came(self, request: HttpRequest, pk: int) -> HttpResponse:
        workspace = self._workspace(request, pk)
        feed = KapsoFeed.objects.filter(workspace=workspace).first()
        context = {"workspace": workspace, **_state_of(feed)}
        return TemplateResponse(request, "contacts/webhook_came.html", context)

    def _workspace(self, request: HttpRequest, pk: int) -> Any:
        workspace = self.get_row_or_404(request, pk)  # type: ignore[attr-defined]
        if not self.has_change_permission(request, workspace):  # type: ignore[attr-defined]
            raise PermissionDenied
        return workspace


def _state_of(feed: KapsoFeed | None) -> dict[str, Any]:
    deliveries = KapsoDelivery.objects.filter(workspace=feed.workspace_id if feed else 0)
    newest = deliveries.order_by("-received_at").first() if feed and feed.last_event_at else None
    return {"feed": feed, "delivery": newest}
