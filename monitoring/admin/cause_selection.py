"""Acknowledge, ignore, retry and resolve any number of causes from their list."""

from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action

from leadsync.admin.actions import NoteForm, confirm_selection, dialog, is_confirmed, tell_resolved
from leadsync.admin.navigation import forget_open_failures
from monitoring.admin.cause_actions import WILL_IGNORE, CauseNoteForm, IgnoreForm, end_of
from monitoring.admin.selection import WILL_RESOLVE, WILL_RETRY_ALL, numbers_of, retry
from monitoring.models import FailureGroup, FailureGroupQuerySet, SyncFailure
from sarah.resolve import resolve_cause

WILL_ACKNOWLEDGE = _("Your colleagues see that you look after them.")


class CauseSelection:
    @action(description=_("Acknowledge"), permissions=["handle"])
    def acknowledge_these(self, request: HttpRequest, causes: QuerySet) -> HttpResponse | None:
        form = CauseNoteForm(request.POST if is_confirmed(request) else None)
        if not form.is_valid():
            asked = dialog(_("Acknowledge these?"), WILL_ACKNOWLEDGE, button=_("Acknowledge"))
            return self._ask(request, causes, asked, "acknowledge_these", form)
        chosen, by = _handled(request, causes), request.user.get_username()
        _tell(request, chosen.acknowledge(by=by, note=form.cleaned_data["note"]))
        return None

    @action(description=_("Ignore"), permissions=["handle"])
    def ignore_these(self, request: HttpRequest, causes: QuerySet) -> HttpResponse | None:
        form = IgnoreForm(request.POST if is_confirmed(request) else None)
        if not form.is_valid():
            asked = dialog(_("Ignore these for a while?"), WILL_IGNORE, button=_("Ignore"))
            return self._ask(request, causes, asked, "ignore_these", form)
        told = form.cleaned_data
        until, by = end_of(told["hours"]), request.user.get_username()
        _tell(request, _handled(request, causes).ignore(until=until, by=by, note=told["note"]))
        return None

    @action(description=_("Resolve"), permissions=["handle", "resolve"])
    def resolve_these(self, request: HttpRequest, causes: QuerySet) -> HttpResponse | None:
        form = NoteForm(request.POST if is_confirmed(request) else None)
        if not form.is_valid():
            asked = dialog(_("Are these over?"), WILL_RESOLVE, button=_("Resolve all"))
            return self._ask(request, causes, asked, "resolve_these", form)
        by, note = request.user.get_username(), form.cleaned_data["note"]
        mine = SyncFailure.objects.visible_to(request.user)
        chosen = list(_plain(causes))
        tell_resolved(
            request, sum(resolve_cause(one, by=by, note=note, among=mine) for one in chosen)
        )
        return None

    @action(description=_("Retry"), permissions=["handle", "retry"])
    def retry_these(self, request: HttpRequest, causes: QuerySet) -> HttpResponse | None:
        if is_confirmed(request):
            retry(request, _failures_of(request, causes))
            return None
        asked = dialog(_("Retry all?"), WILL_RETRY_ALL, button=_("Retry all"))
        return self._ask(request, causes, asked, "retry_these", is_retry=True)

    def _ask(
        self,
        request: HttpRequest,
        causes: QuerySet,
        asked: dict[str, object],
        name: str,
        form: Any = None,
        *,
        is_retry: bool = False,
    ) -> HttpResponse:
        numbers = numbers_of(_failures_of(request, causes), is_retry=is_retry)
        return confirm_selection(
            self,  # type: ignore[arg-type]
            request,
            causes,
            asked,
            action=name,
            form=form,
            numbers=numbers,
        )


def _plain(causes: QuerySet) -> FailureGroupQuerySet:
    """The same without their numbers: rows that are counted together cannot be updated."""
    return FailureGroup.objects.filter(pk__in=[cause.pk for cause in causes])


def _handled(request: HttpRequest, causes: QuerySet) -> FailureGroupQuerySet:
    """Those whose status is this person's to set; of the others, they are told."""
    mine = FailureGroup.objects.handled_by(request.user).filter(pk__in=_plain(causes).values("pk"))
    if left := len(causes) - mine.count():
        text = ngettext(
            "%d cause also concerns other workspaces and stays as it is.",
            "%d causes also concern other workspaces and stay as they are.",
            left,
        )
        messages.warning(request, text % left)
    return mine


def _failures_of(request: HttpRequest, causes: QuerySet) -> Any:
    mine = SyncFailure.objects.visible_to(request.user)
    return mine.open().filter(group__in=[cause.pk for cause in causes])


def _tell(request: HttpRequest, count: int) -> None:
    forget_open_failures()
    text = ngettext("%d cause: done.", "%d causes: done.", count)
    messages.success(request, text % count)
