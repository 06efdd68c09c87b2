"""Admin pages of failures: what went wrong, what to do, and retry or resolve."""

from typing import Any

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action

from leadsync.admin.actions import NoteDialogForm, close_dialog, dialog
from leadsync.admin.filters import PhoneSearch
from leadsync.admin.html import admin_link, ago, as_advice, as_code, as_text
from leadsync.admin.tools import ReadOnly, column, computed, holds
from monitoring.admin.details import kind_pill, outcome_in_words, pretty
from monitoring.admin.filters import CauseFilter, LastSeenFilter, OpenFilter, WorkspaceFilter
from monitoring.admin.helps import HelpActions, kept_messages
from monitoring.admin.selection import WILL_RESOLVE, SelectionActions, resolve
from monitoring.kinds import Kind
from monitoring.models import SyncFailure


def _lead(failure: SyncFailure) -> SafeString | None:
    state = failure.state
    return admin_link(state.contact) if state and state.contact else None


def _who(failure: SyncFailure) -> str:
    """The phone, or the WhatsApp user id of who hides it."""
    return failure.contact_phone or str(failure.state or "")


def _conversation(failure: SyncFailure) -> SafeString | None:
    if failure.state is None:
        return None
    return admin_link(failure.state, _("Conversation with %s") % failure.state)


def _sent_in(failure: SyncFailure) -> Any:
    """Show the request id, with a link to the message it came with if that was saved."""
    if not (failure.state and failure.request_id):
        return failure.request_id or None
    sent = failure.state.updates.filter(request_id=failure.request_id).first()
    return admin_link(sent, failure.request_id) if sent else failure.request_id


@admin.register(SyncFailure)
class SyncFailureAdmin(PhoneSearch, SelectionActions, ReadOnly, HelpActions):
    list_display = ("what", "phone", "workspace", "times", "first_seen", "last_seen", "outcome")
    list_display_links = ("what", "phone")
    list_filter = (
        OpenFilter,
        CauseFilter,
        ("kind", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        WorkspaceFilter,
        LastSeenFilter,
    )
    list_before_template = "leadsync/tabs.html"
    when_empty = _("None. Everything Sarah said has been dealt with.")
    search_fields = ("contact_phone",)  # shows the box
    search_help_text = _("Phone in any spelling, or words of the error")
    ordering = ("-last_seen_at", "-pk")
    actions = ("retry", "mark_resolved")
    actions_detail_hide_default = True  # nobody edits a failure: it has no history
    actions_detail = (
        *("add_this_lead", "create_this_workspace", "send_these_again", "retry_this"),
        *("replay_delivery", "mark_this_resolved"),
    )

    # The page

    def get_fieldsets(self, request: HttpRequest, obj: SyncFailure | None = None) -> Any:
        about = [("phone", "lead"), ("workspace", "conversation")]
        when = [("first_seen", "last_seen"), ("times", "source"), "sent_in"]
        known = ["what", "advice", "error_text", "outcome"]
        if request.user.has_perm("monitoring.view_failuregroup"):
            known.insert(1, "cause")
        if obj and obj.note:
            known.append("note_text")
        sections: list[tuple[Any, dict[str, Any]]] = [
            (None, {"fields": known}),
            (_("Whom it is about"), {"fields": about}),
            (_("When"), {"fields": when}),
            (_("What the bot said"), {"fields": ["said"]}),
        ]
        if obj and obj.kind == Kind.REJECTED_PAYLOAD:
            sections.append((_("Messages to send again"), {"fields": ["kept"]}))
        if obj and obj.traceback:
            folded = {"classes": ["collapse"], "fields": ["traceback_text"]}
            sections.append((_("Traceback, for your developer"), folded))
        return sections

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncFailure]:
        return super().get_queryset(request).select_related("state__contact", "group")

    what = column("kind", _("what"), kind_pill, sortable=True)
    phone = computed(_("phone"), _who, ordering="contact_phone")
    workspace = column("workspace_ref", _("workspace"), sortable=True)
    times = column("occurrences", _("times"), intcomma, sortable=True)
    first_seen = column("created_at", _("first seen"), ago, sortable=True)
    last_seen = column("last_seen_at", _("last seen"), ago, sortable=True)
    outcome = computed(_("outcome"), outcome_in_words, ordering="resolved_at")
    cause = column("group", _("cause"), admin_link)
    note_text = column("note", _("note"), as_text)
    advice = column("advice", _("what to do"), as_advice)
    error_text = column("error", _("error"), as_text)
    lead = computed(_("lead"), _lead)
    conversation = computed(_("conversation"), _conversation)
    sent_in = computed(_("request"), _sent_in)
    said = column("payload", _("message"), lambda payload: as_code(pretty(payload)))
    kept = computed(_("kept for 7 days"), kept_messages)
    traceback_text = column("traceback", _("traceback"), as_code)

    # The list

    def with_words(self, rows: QuerySet, words: str) -> QuerySet:
        """Search without an index: there are never many failures."""
        return rows.filter(error__icontains=words) | rows.filter(workspace_ref__iexact=words)

    # What a person can do

    has_resolve_permission = holds("monitoring.resolve_syncfailure")

    @action(
        description=_("Mark resolved"),
        permissions=["resolve"],
        url_path="resolve",
        icon="check",
        dialog=dialog(
            _("Mark this failure resolved?"),
            WILL_RESOLVE,
            button=_("Mark resolved"),
            form=NoteDialogForm,
        ),
    )
    def mark_this_resolved(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        failures = SyncFailure.objects.filter(pk=object_id)
        resolve(request, failures, note=form.cleaned_data["note"])
        return close_dialog(self, object_id)
