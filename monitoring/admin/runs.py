"""Reconciliations in the admin: when conversations and leads were last compared, and the result."""

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from leadsync.admin.actions import ReadOnly
from leadsync.admin.tools import ModelAdmin, ago, pill
from monitoring.models import SyncRun


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnly, ModelAdmin):
    list_display = ("begun", "trigger", "checked", "healed", "failed", "still_open", "outcome")
    list_display_links = None

    @display(description=_("started"), ordering="started_at")
    def begun(self, run: SyncRun) -> str:
        return ago(run.started_at)

    @display(description=_("outcome"))
    def outcome(self, run: SyncRun) -> SafeString:
        if run.finished_at is None:
            return pill(_("Under way"), "info")
        return pill(run.error, "danger") if run.error else pill(_("Done"), "success")
