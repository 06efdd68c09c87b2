"""Bulk runs in the admin: how far they are, what became of each failure, and a way to stop them."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, QuerySet, Value, When
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant

from leadsync.admin.actions import ReadOnly, close_dialog
from leadsync.admin.tools import ModelAdmin, admin_link, ago, counted, once, pill, table
from monitoring.admin.asking import tell
from monitoring.admin.details import RESULT_COLOURS, run_pill
from monitoring.models import BulkAction, BulkItem, BulkResult, BulkRun, Heartbeat
from sarah.bulk import PATIENCE, work_bulk_runs

SHOWN_ITEMS = 50
NEWS_FIRST = Case(
    When(result=BulkResult.STILL_FAILING, then=Value(0)),
    When(result=BulkResult.LEFT_ALONE, then=Value(1)),
    default=Value(2),
)


@admin.register(BulkRun)
class BulkRunAdmin(ReadOnly, ModelAdmin):
    list_display = ("what", "asked_by", "asked", "how_far", "state")
    list_display_links = ("what", "asked")
    list_filter = (("action", ChoicesDropdownFilter),)
    ordering = ("-asked_at", "-pk")
    when_empty = _(
        "Whenever somebody tries failures again, or resolves them, it stands here with its results."
    )
    actions_detail_hide_default = True  # nobody edits a run: it has no history
    actions_detail = ("work_now", "cancel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[BulkRun]:
        return super().get_queryset(request).with_progress().select_related("group")

    @display(description=_("action"), ordering="action")
    def what(self, run: BulkRun) -> str:
        return run.get_action_display()

    @display(description=_("asked"), ordering="asked_at")
    def asked(self, run: BulkRun) -> str:
        return ago(run.asked_at)

    @display(description=_("progress"))
    def how_far(self, run: BulkRun) -> str:
        return _("%(done)s of %(all)s") % {
            "done": counted(run.done),
            "all": counted(run.asked_for),
        }

    @display(description=_("status"))
    def state(self, run: BulkRun) -> SafeString:
        return run_pill(run)

    # The page

    def get_fieldsets(self, request: HttpRequest, obj: BulkRun | None = None) -> Any:
        about: list[Any] = [("what", "asked_by"), "asked"]
        if obj and obj.group:
            about.append("cause")
        if obj and obj.note:
            about.append("note_text")
        return [(None, {"fields": about}), (_("Progress"), {"fields": ["progress"]})]

    @display(description=_("cause"))
    def cause(self, run: Any) -> SafeString:
        return admin_link(run.group)

    @display(description=_("note"))
    def note_text(self, run: BulkRun) -> SafeString:
        return format_html('<div class="ls-text">{}</div>', run.note)

    @display(description=_("how far it is"))
    @once
    def progress(self, run: BulkRun) -> SafeString:
        done, total = run.done, run.asked_for
        context = {
            "run": run,
            "is_abandoned": not run.is_over and not Heartbeat.objects.alive().exists(),
            "percent": 100 * done // total if total else 100,
            "state": run_pill(run),
            "how_far": self.how_far(run),
            "results": _links_to_results(run),
            "items": _items_table(run),
            "all_items": _items_url(run) if total > SHOWN_ITEMS else "",
        }
        return SafeString(render_to_string("leadsync/bulk_progress.html", context))

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> Any:
        """The page asks for its progress again and again; once that is over, all of it changes."""
        if "HX-Request" in request.headers:
            run = self.get_object(request, object_id)
            if run is None or run.is_over:
                return HttpResponse(headers={"HX-Refresh": "true"})
        return super().change_view(request, object_id, *args, **kwargs)

    # What a person can do

    def has_work_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Who may ask for such a run may also work and cancel it."""
        run = BulkRun.objects.filter(pk=object_id).first()
        verb = "retry" if run and run.action == BulkAction.RETRY else "resolve"
        return self.has_view_permission(request) and request.user.has_perm(
            f"monitoring.{verb}_syncfailure"
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        run = self.get_object(request, str(object_id))
        if run is None or run.is_over:
            return []
        offered = super().get_actions_detail(request, object_id)
        if Heartbeat.objects.alive().exists():
            return [one for one in offered if one.path != "work-now"]
        return offered

    @action(
        description=_("Work on it now"),
        permissions=["work"],
        url_path="work-now",
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Work on it now?"),
            "description": _("For a few seconds, while you wait. You can do so again and again."),
            "form_class": None,
            "form_submit_text": _("Work on it now"),
        },
    )
    def work_now(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        work_bulk_runs(BulkRun.objects.filter(pk=object_id), seconds=PATIENCE)
        run = get_object_or_404(BulkRun, pk=object_id)
        if run.is_over:
            tell(request, run)
        return close_dialog(self, object_id)

    @action(
        description=_("Cancel the rest"),
        permissions=["work"],
        url_path="cancel",
        icon="close",
        dialog={
            "title": _("Cancel the rest?"),
            "description": _("What is done stays done. The rest is left as it is."),
            "form_class": None,
            "form_submit_text": _("Cancel the rest"),
        },
    )
    def cancel(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        run = get_object_or_404(BulkRun, pk=object_id)
        if run.cancel(by=request.user.get_username()):
            messages.success(request, _("Cancelled. The rest is left as it is."))
        return close_dialog(self, object_id)


@admin.register(BulkItem)
class BulkItemAdmin(ReadOnly, ModelAdmin):
    """Reached from a run's page: what became of each of its failures."""

    list_display = ("what", "phone", "outcome", "worked")
    list_display_links = None
    list_filter = (("result", ChoicesDropdownFilter),)
    list_before_template = "leadsync/items_run.html"
    list_select_related = ("failure",)
    ordering = ("pk",)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("monitoring.view_bulkrun")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description=_("failure"))
    def what(self, item: BulkItem) -> object:
        return _failure(item)

    @display(description=_("phone"))
    def phone(self, item: BulkItem) -> str | None:
        return item.contact_phone or None

    @display(description=_("result"), ordering="result")
    def outcome(self, item: BulkItem) -> SafeString:
        return _result(item)

    @display(description=_("worked"), ordering="worked_at")
    def worked(self, item: BulkItem) -> str:
        return ago(item.worked_at)


def _items_url(run: BulkRun, **filters: str) -> str:
    query = urlencode({"run__id__exact": str(run.pk), **filters})
    return f"{reverse('admin:monitoring_bulkitem_changelist')}?{query}"


def _links_to_results(run: BulkRun) -> list[dict[str, object]]:
    """How many failures came to which result, and the list of each."""
    counts = run.results()
    return [
        {
            "pill": pill(result.label, RESULT_COLOURS[result]),
            "count": counted(counts[result]),
            "url": _items_url(run, result__exact=result),
        }
        for result in BulkResult
        if result in counts
    ]


def _items_table(run: BulkRun) -> SafeString:
    worked = run.items.exclude(result="").select_related("failure")
    items = worked.order_by(NEWS_FIRST, "pk")[:SHOWN_ITEMS]
    rows = [(_failure(item), item.contact_phone or "-", _result(item)) for item in items]
    return table([_("failure"), _("phone"), _("result")], rows)


def _failure(item: BulkItem) -> object:
    if item.failure is None:
        return _("deleted since")
    return admin_link(item.failure, item.failure.get_kind_display())


def _result(item: BulkItem) -> SafeString:
    if not item.result:
        return pill(_("To do"))
    return pill(BulkResult(item.result).label, RESULT_COLOURS[item.result])
