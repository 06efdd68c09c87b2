"""Reconciliations in the admin: when conversations and leads were last compared, and the result."""

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from leadsync.admin.actions import ReadOnly
from leadsync.admin.tools import ModelAdmin, ago, pill
from monitoring.models import SyncRun


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnly, ModelAdmin):
    list_display = (
        *("begun", "trigger"),
        *("checked_shown", "healed_shown", "failed_shown", "still_open_shown"),
        "outcome",
    )
    list_display_links = None
    when_empty = _(
        "The worker (manage.py sync_worker) compares conversations and leads every hour; "
        "manage.py reconcile does it at once."
    )

    @display(description=_("started"), ordering="started_at")
    def begun(self, run: SyncRun) -> str:
        return ago(run.started_at)

    @display(description=_("checked"), ordering="checked")
    def checked_shown(self, run: SyncRun) -> str:
        return intcomma(run.checked)

    @display(description=_("healed"), ordering="healed")
    def healed_shown(self, run: SyncRun) -> str:
        return intcomma(run.healed)

    @display(description=_("failed"), ordering="failed")
    def failed_shown(self, run: SyncRun) -> str:
        return intcomma(run.failed)

    @display(description=_("still open"), ordering="still_open")
    def still_open_shown(self, run: SyncRun) -> str:
        return intcomma(run.still_open)

    @display(description=_("outcome"))
    def outcome(self, run: SyncRun) -> SafeString:
        if run.finished_at is None:
            return pill(_("Under way"), "info")
        return pill(run.error, "danger") if run.error else pill(_("Done"), "success")
