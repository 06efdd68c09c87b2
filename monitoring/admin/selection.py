"""Retry and resolve any number of failures: preview, confirmation and result."""

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from leadsync.admin.actions import (
    NoteForm,
    confirm_selection,
    dialog,
    is_confirmed,
    tell_resolved,
    tell_retried,
)
from monitoring.kinds import Kind
from monitoring.models import SyncFailure, SyncFailureQuerySet
from sarah.resolve import resolve_failures
from sarah.retry import retry_failures

WILL_RESOLVE = _(
    "The failures are closed, signed with your name. Their conversations stay as they are: out of "
    "sync, and no longer retried by themselves. If the reason is still there, Sarah's next "
    "message opens a new failure."
)
WILL_RETRY_ALL = _(
    "The conversations are copied to their leads again, as they are stored now: a few at once, "
    "many by the worker. If that works, their failures are closed."
)


class SelectionActions:
    """The two list actions, on selected rows or on all rows that match the filters."""

    @action(description=_("Mark resolved"), permissions=["resolve"])
    def mark_resolved(
        self, request: HttpRequest, failures: SyncFailureQuerySet
    ) -> HttpResponse | None:
        form = NoteForm(request.POST if is_confirmed(request) else None)
        if form.is_valid():
            resolve(request, failures, note=form.cleaned_data["note"])
            return None
        return confirm_selection(
            self,  # type: ignore[arg-type]
            request,
            failures,
            dialog(_("Mark these failures resolved?"), WILL_RESOLVE, button=_("Mark resolved")),
            action="mark_resolved",
            form=form,
            numbers=numbers_of(failures),
        )

    @action(description=_("Retry"), permissions=["retry"])
    def retry(self, request: HttpRequest, failures: SyncFailureQuerySet) -> HttpResponse | None:
        if is_confirmed(request):
            retry(request, failures)
            return None
        return confirm_selection(
            self,  # type: ignore[arg-type]
            request,
            failures,
            dialog(_("Retry these failures?"), WILL_RETRY_ALL, button=_("Retry")),
            action="retry",
            numbers=numbers_of(failures, is_retry=True),
        )


def resolve(request: HttpRequest, failures: SyncFailureQuerySet, *, note: str) -> None:
    """Resolve these failures in the person's name, and tell the person how many."""
    tell_resolved(request, resolve_failures(failures, by=request.user.get_username(), note=note))


def retry(request: HttpRequest, failures: SyncFailureQuerySet) -> None:
    """Retry the conversations of these failures in the person's name, and tell the person the
    result."""
    left = failures.count() - failures.retryable().count()
    tried = retry_failures(failures, by=request.user.get_username())
    tell_retried(request, tried, left_alone=left)


def numbers_of(
    failures: SyncFailureQuerySet, *, is_retry: bool = False
) -> list[tuple[object, str]]:
    """Count the failures, by kind, and those that will be left alone."""
    kinds = dict(failures.order_by().values_list("kind").annotate(Count("pk")))
    total = sum(kinds.values())
    numbers: list[tuple[object, int]] = [(_("Failures"), total)]
    if len(kinds) > 1:
        numbers += [(kind.label, kinds[kind]) for kind in Kind if kind in kinds]
    open_ones = failures.filter(resolved_at__isnull=True).count()
    if resolved := total - open_ones:
        numbers.append((_("Resolved already, will be left alone"), resolved))
    retryable = SyncFailure.objects.retryable().filter(pk__in=failures.order_by().values("pk"))
    if is_retry and (hopeless := open_ones - retryable.count()):
        numbers.append((_("No retry can end them, will be left alone"), hopeless))
    return [(label, intcomma(number)) for label, number in numbers]
