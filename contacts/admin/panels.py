"""What a lead's page only shows: its times, and a table each for what belongs to the lead."""

from django.db.models import Q
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from contacts.models import Contact
from leadsync.admin.tools import (
    admin_link,
    ago,
    column,
    once,
    pill,
    status_pill,
    table,
    temperature_pill,
)
from monitoring.models import SyncFailure
from sarah.models import SarahState

SHOWN_ROWS = 20


class LeadPanels:
    """The read-only fields of a lead's page. A table is one query, however many rows it has."""

    last_activity = column("last_activity_at", _("last activity"), ago, sortable=True)
    last_contact = column("last_contact_at", _("last contacted"), ago)
    created = column("created_at", _("added"), ago)
    updated = column("updated_at", _("updated"), ago)
    re_engaged = column("re_engaged_at", _("re-engaged"), ago)

    @display(description=_("status changed"))
    def status_stamp(self, lead: Contact) -> str:
        if lead.status_changed_at is None:
            return "-"
        return format_html("{} · {}", ago(lead.status_changed_at), lead.status_changed_by)

    @display(description=_("status history"))
    @once
    def status_history(self, lead: Contact) -> SafeString:
        return table(
            [_("when"), _("from"), _("to"), _("by"), _("reason")],
            (
                [
                    ago(move.at),
                    status_pill(move.from_status),
                    status_pill(move.to),
                    move.by,
                    move.reason or "-",
                ]
                for move in lead.status_changes.all()[:SHOWN_ROWS]
            ),
        )

    @display(description=_("conversations"))
    @once
    def conversations(self, lead: Contact) -> SafeString:
        """Also one that has never reached the lead: that is when a person looks for it."""
        states = SarahState.objects.filter(
            Q(contact=lead) | Q(contact_phone=lead.phone, workspace=lead.workspace_id)
        )
        return table(
            [
                _("conversation"),
                _("state"),
                _("score"),
                _("temperature"),
                _("messages"),
                _("last heard"),
                _("sync"),
            ],
            (
                [
                    admin_link(state),
                    state.get_state_display(),
                    state.lead_score,
                    temperature_pill(state.lead_temperature),
                    state.message_count,
                    ago(state.updated_at),
                    _sync(state),
                ]
                for state in states.order_by("-updated_at")[:SHOWN_ROWS]
            ),
        )

    @display(description=_("failures"))
    @once
    def failures(self, lead: Contact) -> SafeString:
        of_lead = Q(state__contact=lead) | Q(
            contact_phone=lead.phone, workspace_ref=lead.workspace.slug
        )
        return table(
            [_("failure"), _("outcome"), _("times"), _("last seen")],
            (
                [
                    admin_link(failure, failure.get_kind_display()),
                    pill(failure.get_resolution_display(), "success")
                    if failure.resolved_at
                    else pill(_("open"), "danger"),
                    failure.occurrences,
                    ago(failure.last_seen_at),
                ]
                for failure in SyncFailure.objects.filter(of_lead).order_by("-last_seen_at")[
                    :SHOWN_ROWS
                ]
            ),
        )


def _sync(state: SarahState) -> SafeString:
    if state.synced_at:
        return pill(_("in sync"), "success")
    return pill(state.get_sync_reason_display() or _("not yet"), "warning")
