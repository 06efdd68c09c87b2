"""Causes of failures for staff: what goes wrong how often, who looks after it, and its end."""

from typing import Any

from django.contrib import admin
from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leadsync.admin.actions import ReadOnly
from leadsync.admin.tools import ChangeList, admin_link, ago, counted, once, table
from monitoring.admin.details import group_pill, kind_pill, run_pill, sparkline, trend_in_words
from monitoring.admin.filters import GroupStatusFilter
from monitoring.admin.group_actions import GroupActions
from monitoring.models import (
    FailureGroup,
    GroupStatus,
)
from monitoring.trends import trends_of

SHOWN_RUNS = 5
HOW_BAD = (
    ("leads", "failures"),
    ("times", "latest"),
    ("first_seen", "last_seen"),
    "trend",
)


class GroupList(ChangeList):
    """With the trends of the page's rows, counted for all of them together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        trends = trends_of(self.result_list)
        for group in self.result_list:
            group.trend = trends[group.pk]


@admin.register(FailureGroup)
class FailureGroupAdmin(ReadOnly, GroupActions):
    list_display = (
        "what",
        "status_pill",
        "leads",
        "times",
        "lately",
        "first_seen",
        "last_seen",
        "handled_by",
    )
    list_filter = (GroupStatusFilter, ("kind", ChoicesDropdownFilter))
    list_before_template = "leadsync/group_tabs.html"
    when_empty = _("Nothing goes wrong at the moment.")
    sortable_by = ("leads", "times", "first_seen", "last_seen")

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        return GroupList

    def get_queryset(self, request: HttpRequest) -> QuerySet[FailureGroup]:
        return FailureGroup.objects.with_numbers()

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return F("last_seen_at").desc(nulls_last=True), "-pk"

    @display(description=_("what"))
    def what(self, group: FailureGroup) -> SafeString:
        raised = format_html(
            '<div class="ls-cause-name">{} <span class="ls-aside">{}</span></div>',
            group.exception,
            group.function,
        )
        return format_html(
            '<div class="ls-cause">{}{}</div>',
            kind_pill(group.kind),
            raised if group.exception else "",
        )

    @display(description=_("status"))
    def status_pill(self, group: FailureGroup) -> SafeString:
        return group_pill(group.status)

    @display(description=_("leads"), ordering="leads")
    def leads(self, group: FailureGroup) -> str:
        return counted(group.leads)

    @display(description=_("times"), ordering="occurrences")
    def times(self, group: FailureGroup) -> str:
        return counted(group.occurrences)

    @display(description=_("last 24 hours"))
    def lately(self, group: Any) -> SafeString:
        return sparkline(group.trend)

    @display(description=_("first seen"), ordering="created_at")
    def first_seen(self, group: FailureGroup) -> str:
        return ago(group.created_at)

    @display(description=_("last seen"), ordering="last_seen_at")
    def last_seen(self, group: FailureGroup) -> str:
        return ago(group.last_seen_at)

    @display(description=_("looked after by"))
    def handled_by(self, group: FailureGroup) -> str | None:
        return {
            GroupStatus.ACKNOWLEDGED: group.acknowledged_by,
            GroupStatus.IGNORED: group.ignored_by,
            GroupStatus.RESOLVED: group.resolved_by,
        }.get(GroupStatus(group.status))

    # The page

    def get_fieldsets(self, request: HttpRequest, obj: FailureGroup | None = None) -> Any:
        known = ["what", "standing", "advice"]
        handled = ["runs"]
        if obj and obj.note:
            handled.insert(0, "note_text")
        return [
            (None, {"fields": known}),
            (_("How bad it is"), {"fields": HOW_BAD}),
            (_("What was done about it"), {"fields": handled}),
        ]

    @display(description=_("status"))
    def standing(self, group: FailureGroup) -> SafeString:
        return format_html(
            '{} <span class="ls-aside">{}</span>', group_pill(group.status), _said_about(group)
        )

    @display(description=_("what to do"))
    def advice(self, group: FailureGroup) -> SafeString:
        return format_html('<div class="ls-advice">{}</div>', group.advice)

    @display(description=_("open failures"))
    def failures(self, group: FailureGroup) -> SafeString:
        url = (
            f"{reverse('admin:monitoring_syncfailure_changelist')}?{urlencode({'group': group.pk})}"
        )
        return format_html(
            '<a href="{}" class="text-link">{}</a>', url, counted(group.open_failures)
        )

    @display(description=_("latest failure"))
    @once
    def latest(self, group: FailureGroup) -> SafeString:
        latest = group.failures.order_by("-last_seen_at", "-pk").first()
        return admin_link(latest) if latest else SafeString("-")

    @display(description=_("last 24 hours"))
    @once
    def trend(self, group: FailureGroup) -> SafeString:
        trend = trends_of([group])[group.pk]
        return format_html(
            '<div>{}</div><div class="ls-aside">{}</div>', sparkline(trend), trend_in_words(trend)
        )

    @display(description=_("note"))
    def note_text(self, group: FailureGroup) -> SafeString:
        return format_html('<div class="ls-text">{}</div>', group.note)

    @display(description=_("bulk runs"))
    @once
    def runs(self, group: FailureGroup) -> SafeString:
        rows = [
            (
                admin_link(run, run.get_action_display()),
                run.asked_by,
                ago(run.asked_at),
                run_pill(run),
            )
            for run in group.bulk_runs.all()[:SHOWN_RUNS]
        ]
        return table([_("action"), _("asked by"), _("asked"), _("status")], rows) or SafeString("-")


def _said_about(group: FailureGroup) -> str:
    """Who put it where it stands, and since or until when."""
    status = group.status
    if status == GroupStatus.IGNORED:
        until = _moment(group.ignored_until)
        return _("until %(when)s, by %(name)s") % {"when": until, "name": group.ignored_by}
    if status == GroupStatus.ACKNOWLEDGED:
        when = _moment(group.acknowledged_at)
        return _("on %(when)s by %(name)s") % {"when": when, "name": group.acknowledged_by}
    if status in (GroupStatus.RESOLVED, GroupStatus.REGRESSED):
        when = _moment(group.resolved_at)
        return _("resolved on %(when)s by %(name)s") % {"when": when, "name": group.resolved_by}
    return ""


def _moment(when: Any) -> str:
    return date_format(timezone.localtime(when), "j M, H:i")
