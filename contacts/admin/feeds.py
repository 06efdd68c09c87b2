"""A workspace's feed from Kapso: *Connect Kapso's webhook* (an address and a secret, what to do at
Kapso, the first event), and the part of the workspace's page on which it is watched."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from unfold.admin import StackedInline
from unfold.decorators import action, display

from contacts.models import Workspace
from leadsync.admin.actions import dialog, dialog_action
from leadsync.admin.filters import row_id
from leadsync.admin.html import ago, as_link, list_url, pill
from leadsync.admin.tools import holds
from sarah.kapso.testing import send_test
from sarah.kapso.work import Worked
from sarah.models import KapsoDelivery, KapsoFeed

WILL_ROTATE = _(
    "Kapso's deliveries are signed with this secret. The present one is taken for another week, so "
    "that nothing is lost until you have pasted the new one at Kapso. It is shown once."
)
WILL_TEST = _(
    "A signed event is sent to this workspace's address, stored and worked like one of Kapso's. It "
    "changes no lead."
)
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
            "opts": Workspace._meta,
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


class KapsoFeedInline(StackedInline):
    """The settings of the feed, and how it is doing."""

    model = KapsoFeed
    verbose_name_plural = _("WhatsApp (Kapso)")
    fields = (
        *("address", "events", "creates_leads", "last_seen", "state"),
        *("app_secret", "handshake"),
    )
    readonly_fields = ("address", "events", "last_seen", "state", "handshake")
    hide_title = True
    template = "leadsync/folded_inline.html"
    shape, rows_template = "stacked", "unfold/helpers/edit_inline/stacked_list.html"
    can_delete = False
    max_num = 1
    extra = 0

    def get_formset(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        self.request = request  # an inline is made anew for each request
        return super().get_formset(request, *args, **kwargs)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the button above makes it, with its secret

    has_view_permission = holds("contacts.change_workspace")
    has_change_permission = has_view_permission

    @display(description=_("address for the webhook"))
    def address(self, feed: KapsoFeed) -> SafeString:
        path = reverse("kapso", args=[feed.workspace.slug])
        return _code(self.request.build_absolute_uri(f"{path}/"))

    @display(description=_("events to tick at Kapso"))
    def events(self, feed: KapsoFeed) -> SafeString:
        return format_html_join("", '<div class="ls-item"><code>{}</code></div>', zip(EVENTS))

    @display(description=_("last event"))
    def last_seen(self, feed: KapsoFeed) -> SafeString:
        if feed.last_event_at is None:
            return pill(_("None has come yet"), "warning")
        return format_html("{} · <code>{}</code>", ago(feed.last_event_at), feed.last_event)

    @display(description=_("what went wrong"))
    def state(self, feed: KapsoFeed) -> SafeString:
        return format_html_join(
            "", '<div class="ls-item">{}</div>', ((one,) for one in _trouble(feed))
        )

    @display(description=_("verify token for Meta"))
    def handshake(self, feed: KapsoFeed) -> SafeString:
        return _code(feed.verify_token)


def _code(text: str) -> SafeString:
    return format_html('<code class="ls-wrap">{}</code>', text)


def _trouble(feed: KapsoFeed) -> list[object]:
    """What needs a look, in sentences; or that nothing does."""
    deliveries = KapsoDelivery.objects.filter(workspace=feed.workspace_id)
    found: list[object] = []
    if feed.last_refused_at:
        text = ngettext(
            "%d delivery was refused: it was not signed with this secret.",
            "%d deliveries were refused: they were not signed with this secret.",
            feed.refused,
        )
        found.append(format_html("{} {}", text % feed.refused, ago(feed.last_refused_at)))
    if parked := deliveries.parked().count():
        text = ngettext(
            "%d delivery broke ten times: look at it, then replay it.",
            "%d deliveries broke ten times: look at them, then replay them.",
            parked,
        )
        found.append(as_link(list_url("sarah_kapsodelivery", outcome="parked"), text % parked))
    elif waiting := deliveries.waiting().count():
        text = ngettext(
            "%d delivery waits to be worked.", "%d deliveries wait to be worked.", waiting
        )
        found.append(text % waiting)
    return found or [pill(_("Nothing"), "success")]


class FeedActions(WebhookPage):
    """The buttons of a workspace's page that are about its feed."""

    has_feed_permission = holds("contacts.change_workspace")

    def get_inlines(self, request: HttpRequest, obj: Workspace | None) -> list[Any]:
        """A new workspace has no feed yet."""
        inlines = list(super().get_inlines(request, obj))  # type: ignore[misc]
        return [*inlines, KapsoFeedInline] if obj else inlines

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer to connect what is not connected, and the rest to what is."""
        offered = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        is_connected = KapsoFeed.objects.filter(workspace=row_id(str(object_id))).exists()
        return [one for one in offered if (one.path == "connect-kapso") != is_connected]

    @action(
        description=_("Connect Kapso"),
        permissions=["feed"],
        url_path="connect-kapso",
        icon="cable",
    )
    def connect_kapso(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the page that does it in three steps; that changes nothing."""
        return HttpResponseRedirect(reverse("admin:contacts_workspace_webhook", args=[object_id]))

    @dialog_action(
        description=_("New secret for Kapso"),
        permissions=["feed"],
        url_path="rotate-kapso",
        icon="key",
        dialog=dialog(_("Make a new secret?"), WILL_ROTATE, button=_("Make it")),
    )
    def rotate_kapso(self, request: HttpRequest, form: Form, object_id: str) -> None:
        feed = get_object_or_404(KapsoFeed.objects.select_related("workspace"), workspace=object_id)
        _show_once(request, feed.rotate())
        self.log_change(request, feed.workspace, gettext_noop("New secret."))  # type: ignore[attr-defined]

    @dialog_action(
        description=_("Send a test event to myself"),
        permissions=["feed"],
        url_path="test-kapso",
        icon="send",
        dialog=dialog(_("Send a test event?"), WILL_TEST, button=_("Send")),
    )
    def test_kapso(self, request: HttpRequest, form: Form, object_id: str) -> None:
        feed = get_object_or_404(KapsoFeed.objects.select_related("workspace"), workspace=object_id)
        if send_test(feed) == Worked.DONE:
            messages.success(request, _("The test event came in, was stored and worked."))
        else:
            messages.error(request, _("The test event was stored, but not worked yet."))


def _show_once(request: HttpRequest, secret: str) -> None:
    text = _("The secret, to paste at Kapso now: it is not shown again.")
    messages.warning(request, format_html('{} <code class="ls-wrap">{}</code>', text, secret))
