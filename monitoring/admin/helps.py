"""The button that ends a failure: add what is missing, send again what was refused, or retry."""

from typing import Any

from django.contrib import messages
from django.contrib.humanize.templatetags.humanize import intcomma
from django.forms import Form
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.enums import ActionVariant

from leadsync.admin.actions import close_dialog, dialog
from leadsync.admin.html import admin_link, ago, as_wrapped, table_of
from leadsync.admin.navigation import forget_open_failures
from leadsync.admin.tools import ModelAdmin, holds
from monitoring.admin.selection import WILL_RETRY, retry
from monitoring.kinds import HEALED_BY_SYNC, Kind, Source
from monitoring.models import RefusedBody, SyncFailure
from sarah.api.send_again import SentAgain, send_now
from sarah.kapso.work import Worked, replay

SHOWN = 20
"""Refused messages on a page, and reasons in an answer."""
HELPS: dict[str, str] = {
    Kind.CONTACT_NOT_FOUND: "add-lead",
    Kind.WORKSPACE_NOT_FOUND: "create-workspace",
    Kind.REJECTED_PAYLOAD: "send-again",
}
"""The action that ends a failure of this kind; of the others, a retry."""
RETRY = "try-again"
REPLAY = "replay-delivery"
WILL_REPLAY = _(
    "The delivery is worked once more, as Kapso sent it. Messages that came in already stay as "
    "they are. If it works, the failure is closed."
)
WILL_SEND = _(
    "The messages that are kept are sent again as they were sent, the oldest first. Correct the "
    "bot's key or LeadSync before: what is refused again stays here, and you are told why."
)


def kept_messages(failure: SyncFailure) -> SafeString:
    """Show the newest refused messages, and why each was refused the last time."""
    bodies = failure.bodies.select_related("key__user").order_by("-received_at", "-pk")
    rows = table_of(
        bodies[:SHOWN],
        (_("received"), lambda one: ago(one.received_at)),
        (_("phone"), lambda one: one.contact_phone or "-"),
        (_("why"), lambda one: as_wrapped(one.error)),
        (_("key"), lambda one: admin_link(one.key) if one.key else "-"),
    )
    more = bodies.count() - SHOWN
    return rows + (as_wrapped(_("%s more") % intcomma(more)) if more > 0 else SafeString(""))


class HelpActions(ModelAdmin):
    """Offers on a failure's page what can end it, the one that really helps first."""

    has_retry_permission = holds("monitoring.retry_syncfailure")
    has_add_lead_permission = holds("contacts.add_contact")
    has_add_workspace_permission = holds("contacts.add_workspace")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        failure: Any = self.get_object(request, str(object_id))
        if failure is None or failure.resolved_at:
            return []
        helps = HELPS.get(failure.kind, RETRY)
        if failure.source == Source.KAPSO:
            helps = REPLAY
        can_help = {
            RETRY: failure.kind in HEALED_BY_SYNC and failure.state_id,
            "add-lead": helps == "add-lead" and failure.state_id,
            "create-workspace": helps == "create-workspace",
            "send-again": failure.bodies.exists(),
            REPLAY: "delivery" in failure.payload,
        }
        offered = super().get_actions_detail(request, object_id)
        offered = [one for one in offered if can_help.get(one.path, True)]
        for one in offered:
            one.variant = ActionVariant.PRIMARY if one.path == helps else ActionVariant.DEFAULT
        return sorted(offered, key=lambda one: one.path != helps)

    @action(
        description=_("Add this lead"),
        permissions=["add_lead"],
        url_path="add-lead",
        icon="person_add",
    )
    def add_this_lead(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the form of a new lead, filled in; that changes nothing."""
        failure = get_object_or_404(SyncFailure.objects.select_related("state"), pk=object_id)
        workspace = failure.state.workspace_id if failure.state else None
        known = {"workspace": str(workspace)} if workspace else {}
        user_id = failure.state.business_scoped_user_id if failure.state else None
        if user_id:
            known["business_scoped_user_id"] = user_id
        return _form("contacts_contact", phone=failure.contact_phone, **known)

    @action(
        description=_("Replay"),
        permissions=["retry"],
        url_path=REPLAY,
        icon="replay",
        dialog=dialog(_("Replay this delivery?"), WILL_REPLAY, button=_("Replay")),
    )
    def replay_delivery(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        failure = get_object_or_404(SyncFailure, pk=object_id, source=Source.KAPSO)
        match replay(int(failure.payload.get("delivery", 0))):
            case Worked.DONE:
                messages.success(request, _("The delivery is worked now."))
            case Worked.GONE:
                messages.error(request, _("The delivery is not kept any more."))
            case _:
                messages.error(request, _("It still does not work; the failure says why."))
        forget_open_failures()
        return close_dialog(self, object_id)

    @action(
        description=_("Create this workspace"),
        permissions=["add_workspace"],
        url_path="create-workspace",
        icon="add_business",
    )
    def create_this_workspace(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Open the form of a new workspace, filled in; that changes nothing."""
        ref = get_object_or_404(SyncFailure, pk=object_id).workspace_ref
        known = {"kapso_phone_number_id": ref} if ref.isdecimal() else {"slug": ref}
        return _form("contacts_workspace", **known)

    @action(
        description=_("Send again"),
        permissions=["retry"],
        url_path="send-again",
        icon="replay",
        dialog=dialog(_("Send these messages again?"), WILL_SEND, button=_("Send again")),
    )
    def send_these_again(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        bodies = RefusedBody.objects.of_open_failures().filter(failure=int(object_id))
        tell_sent(request, send_now(bodies, by=request.user.get_username()), failure_id=object_id)
        return close_dialog(self, object_id)

    @action(
        description=_("Retry"),
        permissions=["retry"],
        url_path=RETRY,
        icon="sync",
        dialog=dialog(_("Retry?"), WILL_RETRY, button=_("Retry")),
    )
    def retry_this(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        retry(request, SyncFailure.objects.filter(pk=object_id))
        return close_dialog(self, object_id)


def tell_sent(request: HttpRequest, sent: SentAgain, *, failure_id: str) -> None:
    """Tell the person what came of messages that were sent again."""
    forget_open_failures()
    if count := sent.received:
        text = ngettext("%d message is received now.", "%d messages are received now.", count)
        messages.success(request, text % count)
    for why, count in sent.refused.most_common(SHOWN):
        messages.error(request, _("%(n)d refused again: %(why)s") % {"n": count, "why": why})
    if sent.left:
        told = {"n": sent.left, "command": f"manage.py send_again {failure_id}"}
        messages.info(request, _("%(n)d are left: send again, or run %(command)s.") % told)


def _form(label: str, **known: str) -> HttpResponseRedirect:
    return HttpResponseRedirect(f"{reverse(f'admin:{label}_add')}?{urlencode(known)}")
