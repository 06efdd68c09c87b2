"""Admin pages of failures: what went wrong, what to do, and retry or resolve."""

import json
from typing import Any

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import QuerySet
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from leadsync.admin.actions import NoteDialogForm, dialog, dialog_action
from leadsync.admin.filters import PhoneSearch
from leadsync.admin.html import ago
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ReadOnly, column, computed, holds
from monitoring.admin.details import outcome_in_words
from monitoring.admin.filters import CauseFilter, LastSeenFilter, OpenFilter, WorkspaceFilter
from monitoring.admin.helps import HelpActions
from monitoring.admin.issue.failure import issue_of
from monitoring.admin.issue.page import plain, titled
from monitoring.admin.selection import WILL_RESOLVE, SelectionActions, resolve
from monitoring.models import SyncFailure
from sarah.admin.who import title_of, who


def _who(failure: SyncFailure) -> object:
    return who(failure.state) if failure.state else failure.contact_phone or _("Nobody known")


def _title(failure: SyncFailure) -> str:
    return title_of(failure.state) if failure.state else failure.contact_phone


def _reason(failure: SyncFailure) -> SafeString:
    return titled(failure.group.title)


def _body_of(failure: SyncFailure) -> bytes:
    if kept := failure.bodies.order_by("-received_at", "-pk").first():
        return bytes(kept.body)
    body = failure.payload.get("body") if len(failure.payload) == 1 else None
    text = body if isinstance(body, str) else json.dumps(failure.payload, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


@admin.register(SyncFailure)
class SyncFailureAdmin(PhoneSearch, SelectionActions, ReadOnly, HelpActions):
    list_display = ("phone", "what", "workspace", "times", "first_seen", "last_seen", "outcome")
    on_phone = TwoLines(who="phone", told="what", mark="outcome", when="last_seen")
    list_filter = (
        OpenFilter,
        CauseFilter,
        ("kind", ChoicesDropdownFilter),
        ("source", ChoicesDropdownFilter),
        WorkspaceFilter,
        LastSeenFilter,
    )
    list_has_tabs = True
    when_empty = _("None. Everything Sarah said has been dealt with.")
    search_fields = ("contact_phone",)  # shows the box
    search_help_text = _("Phone in any spelling, or words of the error")
    ordering = ("-last_seen_at", "-pk")
    actions = ("retry", "mark_resolved")
    actions_detail_hide_default = True  # nobody edits a failure: it has no history
    actions_detail = ("replay_delivery", "mark_this_resolved")
    change_form_template = "monitoring/issue.html"
    fieldsets = ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[SyncFailure]:
        failures = SyncFailure.objects.visible_to(request.user)
        return failures.select_related("state__contact", "group")

    what = computed(_("what"), _reason, ordering="kind")
    phone = computed(_("who writes"), _who, ordering="contact_phone")
    workspace = column("workspace_ref", _("workspace"), sortable=True)
    times = column("occurrences", _("times"), intcomma, sortable=True)
    first_seen = column("created_at", _("first seen"), ago, sortable=True)
    last_seen = column("last_seen_at", _("last seen"), ago, sortable=True)
    outcome = computed(_("outcome"), outcome_in_words, ordering="resolved_at")

    # The page

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        failure: Any = kwargs.get("obj")
        issue = issue_of(request, failure, context.pop("actions_detail", []))
        context |= {
            "title": plain(failure.group.title),
            "subtitle": _title(failure),
            "issue": issue,
        }
        return super().render_change_form(request, context, *args, **kwargs)

    # The list

    def with_words(self, request: HttpRequest, rows: QuerySet, words: str) -> QuerySet:
        """Search without an index: there are never many failures."""
        return rows.filter(error__icontains=words) | rows.filter(workspace_ref__iexact=words)

    # What a person can do

    has_resolve_permission = holds("monitoring.resolve_syncfailure")

    @dialog_action(
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
    def mark_this_resolved(self, request: HttpRequest, form: Form, object_id: str) -> None:
        failures = SyncFailure.objects.visible_to(request.user).filter(pk=object_id)
        resolve(request, failures, note=form.cleaned_data["note"])

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download_payload)
        name = "monitoring_syncfailure_payload"
        return [path("<int:pk>/payload/", view, name=name), *super().get_urls()]

    def download_payload(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Answer with the body as it was sent (the page shows only its beginning); of refused ones,
        the newest that is kept."""
        failure = self.get_row_or_404(request, pk)
        if not self.has_view_permission(request, failure):
            raise Http404
        return HttpResponse(
            _body_of(failure),
            content_type="application/octet-stream",
            headers={"Content-Disposition": f'attachment; filename="failure-{pk}.json"'},
        )
