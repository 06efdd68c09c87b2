"""Admin pages of causes: how often each strikes, who takes care of it, and its status."""

from typing import Any

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leadsync.admin.html import admin_link, ago, as_advice, as_link, as_text, list_url
from leadsync.admin.tools import ChangeList, ReadOnly, column, computed
from monitoring.admin.cause_actions import CauseActions
from monitoring.admin.details import cause_pill, kind_pill, sparkline, trend_in_words
from monitoring.admin.filters import CauseStatusFilter
from monitoring.admin.trends import trends_of
from monitoring.models import FailureGroup, GroupStatus

HOW_BAD = (("leads", "failures"), ("times", "latest"), ("first_seen", "last_seen"), "trend")


def _latest(cause: FailureGroup) -> object:
    latest = cause.failures.order_by("-last_seen_at", "-pk").first()
    return admin_link(latest) if latest else "-"


def _trend(cause: FailureGroup) -> SafeString:
    trend = trends_of([cause])[cause.pk]
    return format_html(
        '<div>{}</div><div class="ls-aside">{}</div>', sparkline(trend), trend_in_words(trend)
    )


def _being_retried(cause: FailureGroup) -> SafeString:
    """Show how many failures are being retried for a person; the page reloads until none is."""
    waiting = cause.failures.filter(resolved_at__isnull=True, state__retry_requested_by__gt="")
    if not (count := waiting.count()):
        return format_html('<span id="ls-retried">{}</span>', _("None."))
    again = "every 2s"
    return format_html(
        '<span id="ls-retried" hx-get="" hx-trigger="{}" hx-select="#ls-retried" '
        'hx-swap="outerHTML">{}</span>',
        again,
        _("%s more") % intcomma(count),
    )


class CauseList(ChangeList):
    """Loads the trends of all rows of the page together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        trends = trends_of(self.result_list)
        for cause in self.result_list:
            cause.trend = trends[cause.pk]


@admin.register(FailureGroup)
class FailureGroupAdmin(ReadOnly, CauseActions):
    list_display = (
        "what",
        "status_pill",
        "leads",
        "times",
        "last_24_hours",
        "first_seen",
        "last_seen",
        "handled_by",
    )
    list_filter = (CauseStatusFilter, ("kind", ChoicesDropdownFilter))
    list_before_template = "leadsync/tabs.html"
    when_empty = _("Nothing goes wrong at the moment.")
    sortable_by = ("leads", "times", "first_seen", "last_seen")

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        return CauseList

    def get_queryset(self, request: HttpRequest) -> QuerySet[FailureGroup]:
        mine = FailureGroup.objects.visible_to(request.user)
        return mine.with_numbers(request.user)

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return F("last_seen_at").desc(nulls_last=True), "-pk"

    @display(description=_("what"))
    def what(self, cause: FailureGroup) -> SafeString:
        raised = format_html(
            '<div class="ls-cause-name">{} <span class="ls-aside">{}</span></div>',
            cause.exception,
            cause.function,
        )
        return format_html(
            '<div class="ls-cause">{}{}</div>',
            kind_pill(cause.kind),
            raised if cause.exception else "",
        )

    status_pill = column("status", _("status"), cause_pill)
    leads = column("leads", _("leads"), intcomma, sortable=True)
    times = column("occurrences", _("times"), intcomma, sortable=True)
    last_24_hours = column("trend", _("last 24 hours"), sparkline)
    first_seen = column("created_at", _("first seen"), ago, sortable=True)
    last_seen = column("last_seen_at", _("last seen"), ago, sortable=True)

    @display(description=_("looked after by"))
    def handled_by(self, cause: FailureGroup) -> str | None:
        return {
            GroupStatus.ACKNOWLEDGED: cause.acknowledged_by,
            GroupStatus.IGNORED: cause.ignored_by,
            GroupStatus.RESOLVED: cause.resolved_by,
        }.get(GroupStatus(cause.status))

    # The page

    def get_fieldsets(self, request: HttpRequest, obj: FailureGroup | None = None) -> Any:
        known = ["what", "status_in_words", "advice"]
        handled = ["note_text", "being_retried"] if obj and obj.note else ["being_retried"]
        return [
            (None, {"fields": known}),
            (_("How bad it is"), {"fields": HOW_BAD}),
            (_("What was done about it"), {"fields": handled}),
        ]

    @display(description=_("status"))
    def status_in_words(self, cause: FailureGroup) -> SafeString:
        return format_html(
            '{} <span class="ls-aside">{}</span>', cause_pill(cause.status), _said_about(cause)
        )

    advice = column("advice", _("what to do"), as_advice)

    @display(description=_("open failures"))
    def failures(self, cause: FailureGroup) -> SafeString:
        url = list_url("monitoring_syncfailure", group=cause.pk)
        return as_link(url, intcomma(cause.open_failures))

    latest = computed(_("latest failure"), _latest)
    trend = computed(_("last 24 hours"), _trend)
    note_text = column("note", _("note"), as_text)
    being_retried = computed(_("being retried"), _being_retried)


def _said_about(cause: FailureGroup) -> str:
    """Show who set the status, and since when or until when."""
    status = cause.status
    if status == GroupStatus.IGNORED:
        until = _moment(cause.ignored_until)
        return _("until %(when)s, by %(name)s") % {"when": until, "name": cause.ignored_by}
    if status == GroupStatus.ACKNOWLEDGED:
        when = _moment(cause.acknowledged_at)
        return _("on %(when)s by %(name)s") % {"when": when, "name": cause.acknowledged_by}
    if status in (GroupStatus.RESOLVED, GroupStatus.REGRESSED):
        when = _moment(cause.resolved_at)
        return _("resolved on %(when)s by %(name)s") % {"when": when, "name": cause.resolved_by}
    return ""


def _moment(when: Any) -> str:
    return date_format(timezone.localtime(when), "j M, H:i")
