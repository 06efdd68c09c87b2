"""Admin pages of reconciliations: when they ran, and the result."""

from django.contrib import admin
from django.contrib.humanize.templatetags.humanize import intcomma
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from leadsync.admin.html import ago, pill
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, ReadOnly, column
from monitoring.models import SyncRun
from monitoring.sentences import in_words


@admin.register(SyncRun)
class SyncRunAdmin(ReadOnly, ModelAdmin):
    list_display = (
        *("begun", "trigger"),
        *("checked_shown", "healed_shown", "failed_shown", "still_open_shown"),
        "outcome",
    )
    list_display_links = None
    on_phone = TwoLines(who="begun", told="result", mark="outcome", when="trigger")
    when_empty = _(
        "The worker (manage.py sync_worker) compares conversations and leads every hour; "
        "manage.py reconcile does it at once."
    )

    begun = column("started_at", _("started"), ago, sortable=True)
    checked_shown = column("checked", _("checked"), intcomma, sortable=True)
    healed_shown = column("healed", _("healed"), intcomma, sortable=True)
    failed_shown = column("failed", _("failed"), intcomma, sortable=True)
    still_open_shown = column("still_open", _("still open"), intcomma, sortable=True)

    @display(description=_("result"))
    def result(self, run: SyncRun) -> str:
        counts = {"checked": intcomma(run.checked), "healed": run.healed, "failed": run.failed}
        return _("%(checked)s checked, %(healed)s healed, %(failed)s failed") % counts

    @display(description=_("outcome"))
    def outcome(self, run: SyncRun) -> SafeString:
        if run.finished_at is None:
            return pill(_("Under way"), "info")
        return pill(in_words(run.error), "danger") if run.error else pill(_("Done"), "success")
