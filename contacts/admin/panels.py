"""Read-only parts of a lead's page: its times, and one table each for what belongs to it."""

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from contacts.admin.chat import chat_with
from contacts.admin.merges import merges_of
from contacts.admin.next_step import next_step
from contacts.admin.takeover import taken_over
from contacts.api.timeline import failures_about
from contacts.models import Contact, StatusChange
from leadsync.admin.html import (
    admin_link,
    ago,
    pill,
    standing_pill,
    status_pill,
    table_of,
    temperature_pill,
)
from leadsync.admin.tools import column, computed
from monitoring.models import SyncFailure
from sarah.models import SarahState

SHOWN_ROWS = 20


def status_changes(lead: Contact) -> SafeString:
    """Show its status changes, newest first."""
    return table_of(
        lead.status_changes.all()[:SHOWN_ROWS],
        (_("when"), lambda move: ago(move.at)),
        (_("from"), lambda move: status_pill(move.from_status)),
        (_("to"), lambda move: status_pill(move.to)),
        (_("by"), lambda move: move.by),
        (_("reason"), _reason),
    )


def _reason(move: StatusChange) -> str:
    said = (move.get_archive_reason_display(), move.reason, _("undone") if move.is_undone else "")
    return " · ".join(str(text) for text in said if text) or "-"


def conversations_with(lead: Contact) -> SafeString:
    """Show its conversations, and those with its phone that were never synced to it."""
    return table_of(
        SarahState.objects.of_lead(lead).order_by("-updated_at")[:SHOWN_ROWS],
        (_("conversation"), admin_link),
        (_("state"), lambda state: state.get_state_display()),
        (_("score"), lambda state: state.lead_score),
        (_("temperature"), lambda state: temperature_pill(state.lead_temperature)),
        (_("messages"), lambda state: state.message_count),
        (_("last heard"), lambda state: ago(state.updated_at)),
        (_("sync"), _sync),
    )


def failures_of(lead: Contact) -> SafeString:
    """Show the failures of its conversations, and those that name its phone."""
    return table_of(
        failures_about(lead).order_by("-last_seen_at")[:SHOWN_ROWS],
        (_("failure"), lambda failure: admin_link(failure, failure.get_kind_display())),
        (_("outcome"), _outcome),
        (_("times"), lambda failure: failure.occurrences),
        (_("last seen"), lambda failure: ago(failure.last_seen_at)),
    )


def _sync(state: SarahState) -> SafeString:
    if state.synced_at:
        return pill(_("in sync"), "success")
    return pill(state.get_sync_reason_display() or _("not yet"), "warning")


def _outcome(failure: SyncFailure) -> SafeString:
    if failure.resolved_at:
        return pill(failure.get_resolution_display(), "success")
    return pill(_("open"), "danger")


def _status_changed(lead: Contact) -> str:
    if lead.status_changed_at is None:
        return "-"
    return format_html(
        "{} · {} · {}",
        standing_pill(lead.standing),  # type: ignore[attr-defined]
        ago(lead.status_changed_at),
        lead.status_changed_by,
    )


def _clock(lead: Contact) -> SafeString:
    """Say by when the lead is to be answered, or when it was, and by whom."""
    if lead.answered_at:
        return format_html("{} {} {}", _("answered"), ago(lead.answered_at), lead.answered_by)
    is_overdue = lead.answer_by is not None and lead.answer_by < timezone.now()
    told = pill(_("overdue"), "danger") if is_overdue else pill(_("to be answered"), "warning")
    return format_html("{} {}", told, date_format(timezone.localtime(lead.answer_by), "D j M, H:i"))


class LeadPanels:
    """The read-only fields of a lead's page. Each table is one query, however many rows it has."""

    last_activity = column("last_activity_at", _("last activity"), ago, sortable=True)
    last_contact = column("last_contact_at", _("last contacted"), ago)
    created = column("created_at", _("added"), ago)
    updated = column("updated_at", _("updated"), ago)
    username = column("whatsapp_username", _("WhatsApp user name"), empty="-")
    no_marketing = column("marketing_stopped_at", _("wants no marketing since"), ago)
    re_engaged = column("re_engaged_at", _("re-engaged"), ago)
    status_stamp = computed(_("status changed"), _status_changed)
    status_history = computed(_("status history"), status_changes)
    chat = computed(_("chat"), chat_with)
    merges = computed(_("same person"), merges_of)
    conversations = computed(_("conversations"), conversations_with)
    failures = computed(_("failures"), failures_of)
    taken_over = computed(_("taken over"), taken_over)
    response_clock = computed(_("response clock"), _clock)
    next_step = computed(_("next step"), next_step)
