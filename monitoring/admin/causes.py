"""Admin pages of causes: how often each strikes, who takes care of it, and its status."""

from typing import Any

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leadsync.admin.filters import PhoneSearch
from leadsync.admin.html import NOTHING, ago
from leadsync.admin.lists.change_list import ChangeList
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ReadOnly, column
from monitoring.admin.cause_actions import FOR_GOOD, CauseActions
from monitoring.admin.cause_selection import CauseSelection
from monitoring.admin.details import cause_pill, sparkline
from monitoring.admin.filters import CauseStatusFilter
from monitoring.admin.issue.page import in_a_sentence, moment, plain, shape, titled
from monitoring.admin.issue.sample import sample_of
from monitoring.admin.trends import trends_of
from monitoring.kinds import Kind
from monitoring.models import FailureGroup, GroupStatus, SyncFailure, SyncFailureQuerySet
from monitoring.sentences import in_words

BEING_RETRIED = "every 2s"


def _being_retried(failures: SyncFailureQuerySet) -> SafeString:
    """Show how many failures are being retried for a person; the page asks again until none is."""
    waiting = failures.filter(resolved_at__isnull=True, state__retry_requested_by__gt="")
    if not (count := waiting.count()):
        return format_html('<span id="ls-retried">{}</span>', _("None."))
    return format_html(
        '<span id="ls-retried" hx-get="" hx-trigger="{}" hx-select="#ls-retried" '
        'hx-swap="outerHTML">{}</span>',
        BEING_RETRIED,
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
class FailureGroupAdmin(PhoneSearch, CauseSelection, ReadOnly, CauseActions):
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
    list_has_tabs = True
    on_phone = TwoLines(who="what", told="how_many", mark="status_pill", when="last_seen")
    when_empty = _("Nothing goes wrong at the moment.")
    sortable_by = ("leads", "times", "first_seen", "last_seen")
    search_fields = ("subject",)  # shows the box
    search_help_text = _("Words of the reason or the error, or a phone in any spelling")
    actions = ("acknowledge_these", "ignore_these", "retry_these", "resolve_these")
    change_form_template = "monitoring/issue.html"
    fieldsets = ()

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> type[ChangeList]:
        return CauseList

    def get_queryset(self, request: HttpRequest) -> QuerySet[FailureGroup]:
        mine = FailureGroup.objects.visible_to(request.user)
        return mine.with_numbers(request.user)

    def get_ordering(self, request: HttpRequest) -> tuple[Any, ...]:
        return F("last_seen_at").desc(nulls_last=True), "-pk"

    @display(description=_("what"))
    def what(self, cause: FailureGroup) -> SafeString:
        return format_html(
            '<div class="ls-cause"><b>{}</b><div class="ls-aside">{} {}</div></div>',
            titled(cause.title),
            "" if cause.subject else cause.get_kind_display(),
            cause.function,
        )

    @display(description=_("people"))
    def how_many(self, cause: Any) -> str:
        times = _("%s times") % intcomma(cause.occurrences)
        people = ngettext("%s person", "%s people", cause.leads) % intcomma(cause.leads)
        return f"{people} · {times}" if cause.leads else str(times)

    status_pill = column("status", _("status"), cause_pill)
    leads = column("leads", _("people"), lambda n: intcomma(n) if n else NOTHING, sortable=True)
    times = column("occurrences", _("times"), intcomma, sortable=True)
    last_24_hours = column("trend", _("last 24 hours"), sparkline)
    first_seen = column("created_at", _("first seen"), ago, sortable=True)
    last_seen = column("last_seen_at", _("last seen"), ago, sortable=True)

    @display(description=_("looked after by"))
    def handled_by(self, cause: FailureGroup) -> str | None:
        if cause.is_shared:
            return None
        return {
            GroupStatus.ACKNOWLEDGED: cause.acknowledged_by,
            GroupStatus.IGNORED: cause.ignored_by,
            GroupStatus.RESOLVED: cause.resolved_by,
        }.get(GroupStatus(cause.status))

    # The list

    def with_phone(self, request: HttpRequest, rows: QuerySet, bounds: tuple[str, str]) -> QuerySet:
        failures = SyncFailure.objects.visible_to(request.user).filter(contact_phone__range=bounds)
        return rows.filter(pk__in=failures.values("group"))

    def with_words(self, request: HttpRequest, rows: QuerySet, words: str) -> QuerySet:
        """Search titles as they are shown, and errors: there are never many causes."""
        mine = SyncFailure.objects.visible_to(request.user)
        failures = mine.filter(error__icontains=words).values("group")
        shown = [
            cause.pk
            for cause in FailureGroup.objects.all()
            if words.lower() in f"{plain(cause.title)} {cause.function}".lower()
        ]
        return rows.filter(Q(pk__in=shown) | Q(pk__in=failures))

    # The page

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        cause: Any = kwargs.get("obj")
        actions = context.pop("actions_detail", [])
        context |= {
            "title": plain(cause.title),
            "subtitle": "",
            "issue": self._issue(request, cause, actions),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    def _issue(self, request: HttpRequest, cause: Any, actions: Any) -> dict[str, Any]:
        failures = SyncFailure.objects.visible_to(request.user).filter(group=cause)
        shown = shape(request, cause, failures, actions=actions, trend=trends_of([cause])[cause.pk])
        latest = failures.order_by("-last_seen_at", "-pk").values_list("error", flat=True).first()
        return shown | {
            "is_cause": True,
            "status": cause_pill(cause.status),
            "error": in_words(latest or "") if cause.kind == Kind.SYNC_ERROR else "",
            "sentence": in_a_sentence(cause, people=cause.leads),
            "said": "" if cause.is_shared else _said_about(cause),
            "note": "" if cause.is_shared else cause.note,
            "being_retried": _being_retried(failures),
            "sample": sample_of(request, failures.open()),
        }


def _said_about(cause: FailureGroup) -> str:
    """Show who set the status, and since when or until when."""
    status = cause.status
    if status == GroupStatus.IGNORED:
        until: Any = cause.ignored_until
        if until >= FOR_GOOD:
            return _("until somebody reopens it, by %s") % cause.ignored_by
        return _("until %(when)s, by %(name)s") % {"when": moment(until), "name": cause.ignored_by}
    if status == GroupStatus.ACKNOWLEDGED:
        when = moment(cause.acknowledged_at)
        return _("on %(when)s by %(name)s") % {"when": when, "name": cause.acknowledged_by}
    if status in (GroupStatus.RESOLVED, GroupStatus.REGRESSED):
        when = moment(cause.resolved_at)
        return _("resolved on %(when)s by %(name)s") % {"when": when, "name": cause.resolved_by}
    return ""
