"""Admin pages of deliveries from Kapso: what came in, and what became of it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import DropdownFilter
from unfold.decorators import action, display

from leadsync.admin.actions import is_too_much
from leadsync.admin.filters import Questions, WorkspaceFilter
from leadsync.admin.html import ago, as_code, pill
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, ReadOnly, column, holds
from monitoring.admin.details import pretty
from sarah.models import KapsoDelivery, KapsoDeliveryQuerySet


class OutcomeFilter(Questions, DropdownFilter):
    title = _("outcome")
    parameter_name = "outcome"
    questions = {
        "waiting": (_("Waits to be worked"), KapsoDeliveryQuerySet.waiting),
        "parked": (_("Broke ten times"), KapsoDeliveryQuerySet.parked),
        "worked": (_("Worked"), lambda rows: rows.filter(worked_at__isnull=False)),
    }


@admin.register(KapsoDelivery)
class KapsoDeliveryAdmin(ReadOnly, ModelAdmin):
    list_display = ("event", "received", "workspace", "outcome")
    on_phone = TwoLines(who="event", told="workspace", mark="outcome", when="received")
    list_filter = (OutcomeFilter, ("workspace", WorkspaceFilter))
    list_select_related = ("workspace",)
    sortable_by = ("received",)  # the only column with an index
    ordering = ("-received_at", "-pk")
    fields = (("received", "workspace"), ("event", "outcome"), "idempotency_key", "said")
    actions = ("replay",)
    actions_detail_hide_default = True  # nobody edits a delivery: it has no history
    when_empty = _("Kapso has not sent anything yet: connect it on the workspace's page.")

    received = column("received_at", _("received"), ago, sortable=True)
    said = column("body", _("body as sent"), lambda body: as_code(pretty({"body": body})))

    @display(description=_("outcome"))
    def outcome(self, delivery: KapsoDelivery) -> SafeString:
        if delivery.worked_at:
            return pill(_("Worked"), "success")
        if delivery.next_attempt_at is None:
            return pill(_("Broke ten times"), "danger")
        return pill(_("Waits to be worked"), "warning")

    has_replay_permission = holds("sarah.replay_kapsodelivery")

    @action(description=_("Replay"), permissions=["replay"])
    def replay(self, request: HttpRequest, deliveries: QuerySet[Any]) -> None:
        if is_too_much(request, deliveries):
            return
        count = KapsoDelivery.objects.filter(pk__in=deliveries.values("pk")).replay()
        text = ngettext(
            "%d delivery is due now, for the worker.",
            "%d deliveries are due now, for the worker.",
            count,
        )
        messages.success(request, text % count)
