"""Actions on any number of failures: what will happen, a yes, and a bulk run that does it."""

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from leadsync.admin.actions import (
    NoteForm,
    confirm_selection,
    is_confirmed,
    tell_resolved,
    tell_retried,
)
from leadsync.admin.navigation import forget_open_failures
from leadsync.admin.tools import counted
from monitoring.kinds import Kind
from monitoring.models import (
    BulkAction,
    BulkResult,
    BulkRun,
    FailureGroup,
    Heartbeat,
    SyncFailure,
    SyncFailureQuerySet,
)
from sarah.bulk import AT_ONCE, PATIENCE, work_bulk_runs
from sarah.resync import Retried

WILL_RESOLVE = _(
    "The failures are closed, signed with your name. Their conversations stay as they are: out of "
    "sync, and no longer tried again by themselves. If the cause is still there, Sarah's next "
    "message opens a new failure."
)
WILL_RETRY = _(
    "The conversation is copied to its lead again, as it is stored now. If that works, its "
    "failures are closed."
)
WILL_RETRY_ALL = _(
    "The conversations are copied to their leads again, as they are stored now. If that works, "
    "their failures are closed."
)


class BulkActions:
    """The list's two actions, on the rows that are ticked or on all that match its filters."""

    @action(description=_("Mark resolved"), permissions=["resolve"])
    def mark_resolved(
        self, request: HttpRequest, failures: SyncFailureQuerySet
    ) -> HttpResponse | None:
        form = NoteForm(request.POST if is_confirmed(request) else None)
        if form.is_valid():
            note = form.cleaned_data["note"]
            return begin_from_list(request, failures, BulkAction.RESOLVE, note=note)
        return self._ask(
            request,
            failures,
            question=_("Mark these failures resolved?"),
            explanation=WILL_RESOLVE,
            button=_("Mark resolved"),
            action="mark_resolved",
            form=form,
        )

    @action(description=_("Try again"), permissions=["retry"])
    def try_again(self, request: HttpRequest, failures: SyncFailureQuerySet) -> HttpResponse | None:
        if is_confirmed(request):
            return begin_from_list(request, failures, BulkAction.RETRY)
        return self._ask(
            request,
            failures,
            question=_("Try these failures again?"),
            explanation=WILL_RETRY_ALL,
            button=_("Try again"),
            action="try_again",
        )

    def _ask(
        self, request: HttpRequest, failures: SyncFailureQuerySet, **words: Any
    ) -> TemplateResponse:
        is_retry = words["action"] == "try_again"
        numbers = numbers_of(failures, BulkAction.RETRY if is_retry else BulkAction.RESOLVE)
        return confirm_selection(self, request, failures, numbers=numbers, **words)  # type: ignore[arg-type]


def begin_from_list(
    request: HttpRequest, failures: SyncFailureQuerySet, asked: BulkAction, *, note: str = ""
) -> HttpResponse | None:
    """Do it, and stay in the list if that was done at once; else show how far it is."""
    run = begin(request, failures, asked, note=note)
    return None if run.is_over else HttpResponseRedirect(page_of(run))


def begin(
    request: HttpRequest,
    failures: SyncFailureQuerySet,
    asked: BulkAction,
    *,
    note: str = "",
    group: FailureGroup | None = None,
) -> BulkRun:
    """A run on these failures, worked at once if they are few; says what came of it."""
    by = request.user.get_username()
    run = BulkRun.objects.ask(asked, failures, by=by, note=note, group=group)
    if run.items.count() <= AT_ONCE:
        work_bulk_runs(BulkRun.objects.filter(pk=run.pk), seconds=PATIENCE)
        run.refresh_from_db()
    tell(request, run)
    return run


def tell(request: HttpRequest, run: BulkRun) -> None:
    """Say what a run came to, or that it is still under way."""
    forget_open_failures()
    results = run.results()
    if not run.is_over:
        if Heartbeat.objects.alive().exists():
            messages.info(
                request, _("The worker does this in the background; you need not wait here.")
            )
    elif run.action == BulkAction.RETRY:
        tried = Retried(
            synced=results.get(BulkResult.SYNCED, 0),
            still_failing=results.get(BulkResult.STILL_FAILING, 0),
            not_eligible=results.get(BulkResult.LEFT_ALONE, 0),
        )
        tell_retried(request, tried)
    else:
        tell_resolved(request, results.get(BulkResult.RESOLVED, 0))
        if count := results.get(BulkResult.LEFT_ALONE, 0):
            text = ngettext(
                "%d failure was left alone: it is over already, or was just seen again.",
                "%d failures were left alone: they are over already, or were just seen again.",
                count,
            )
            messages.warning(request, text % count)


def numbers_of(failures: SyncFailureQuerySet, asked: BulkAction) -> list[tuple[object, str]]:
    """How many they are, of which kinds, and how many of them will be left alone."""
    kinds = dict(failures.order_by().values_list("kind").annotate(Count("pk")))
    total = sum(kinds.values())
    numbers: list[tuple[object, int]] = [(_("Failures"), total)]
    if len(kinds) > 1:
        numbers += [(kind.label, kinds[kind]) for kind in Kind if kind in kinds]
    open_ones = failures.filter(resolved_at__isnull=True).count()
    if resolved := total - open_ones:
        numbers.append((_("Resolved already, will be left alone"), resolved))
    retryable = SyncFailure.objects.retryable().filter(pk__in=failures.order_by().values("pk"))
    if asked == BulkAction.RETRY and (hopeless := open_ones - retryable.count()):
        numbers.append((_("Cannot be tried again, will be left alone"), hopeless))
    return [(label, counted(number)) for label, number in numbers]


def page_of(run: BulkRun) -> str:
    return reverse("admin:monitoring_bulkrun_change", args=[run.pk])


def go_to(run: BulkRun) -> HttpResponse:
    """The answer to a dialog's form that began a run."""
    return HttpResponse(headers={"HX-Redirect": page_of(run)})
