"""Admin pages of alerts: what happened, whether it is over, and who was notified."""

from typing import Any

from django.contrib import admin
from django.db.models import F
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from leadsync.admin.filters import WorkspaceFilter
from leadsync.admin.html import ago, as_advice, as_link, as_wrapped, pill
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, ReadOnly, column, computed
from leadsync.infra.visible import reach_of
from monitoring.admin.deliveries import deliveries_table
from monitoring.admin.filters import AlertStatusFilter
from monitoring.alerts.messages import page_about
from monitoring.alerts.texts import advice_of, cause_in, sentence_of
from monitoring.models import Alert, AlertKind
from monitoring.models.alerts import ABOUT_CAUSES

KIND_COLOURS: dict[str, str] = dict.fromkeys(AlertKind.values, "warning") | {
    AlertKind.SILENCE: "danger",
    AlertKind.FAILURE_RATE: "danger",
    AlertKind.REVOKED_KEY: "danger",
}


def _sentence(alert: Any) -> str:
    """What is wrong. Of a cause that may concern workspaces of others, neither where nor how
    often."""
    if alert.cause not in ABOUT_CAUSES or reach_of(alert.viewer).is_everything:
        return sentence_of(alert)
    if not alert.details:
        return str(alert)
    kept = {name: value for name, value in alert.details.items() if name != "count"}
    return sentence_of(Alert(cause=alert.cause, details=kept), where=_("Your workspaces"))


def _news(alert: Any) -> str:
    """What a list has not said with its kind and workspace: of a cause, only its reason."""
    if alert.cause in ABOUT_CAUSES and alert.details:
        return str(cause_in(alert.details))
    return _sentence(alert)


@admin.register(Alert)
class AlertAdmin(ReadOnly, ModelAdmin):
    list_display = ("what", "news", "for_workspace", "started", "last_seen", "told", "status")
    list_display_links = ("news",)
    on_phone = TwoLines(who="news", told="what", mark="status", when="started")
    list_filter = (
        AlertStatusFilter,
        ("cause", ChoicesDropdownFilter),
        ("workspace", WorkspaceFilter),
    )
    list_select_related = ("workspace",)
    when_empty = _("Nothing has needed anybody's attention yet.")
    ordering = (F("recovered_at").desc(nulls_first=True), "-started_at", "-pk")
    actions_detail_hide_default = True
    fieldsets = [
        (None, {"fields": ["what", "sentence", "advice", "about", "status"]}),
        (_("When"), {"fields": [("started", "last_seen"), "told"]}),
        (_("Who was told"), {"fields": ["deliveries"]}),
    ]

    @display(description=_("what"), ordering="cause")
    def what(self, alert: Alert) -> SafeString:
        return pill(AlertKind(alert.cause).label, KIND_COLOURS[alert.cause])

    news = computed(_("text"), lambda alert: as_wrapped(_news(alert)))
    sentence = computed(_("text"), lambda alert: as_wrapped(_sentence(alert)))
    advice = computed(_("what to do"), lambda alert: as_advice(advice_of(alert)))
    for_workspace = computed(
        _("workspace"), lambda alert: str(alert.workspace or ""), ordering="workspace__name"
    )
    about = computed(_("about"), lambda alert: as_link(page_about(alert), _("See it there")))
    started = column("started_at", _("started"), ago, sortable=True)
    last_seen = column("last_seen_at", _("last seen"), ago, sortable=True)
    told = column("notified_at", _("told"), ago, sortable=True, empty=_("Nobody"))

    @display(description=_("status"), ordering="recovered_at")
    def status(self, alert: Alert) -> SafeString:
        if alert.recovered_at is None:
            return pill(_("Open"), "danger")
        return format_html("{} {}", pill(_("Recovered"), "success"), ago(alert.recovered_at))

    deliveries = computed(
        _("messages"),
        lambda alert: deliveries_table(alert.deliveries.visible_to(alert.viewer)),
        empty=_(
            "Nobody: no settings for alerts are active for this, or it came back within an hour."
        ),
    )
