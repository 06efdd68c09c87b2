"""What admin actions share: a limit, a confirmation, and messages about the result.

No GET changes anything: the confirmation page and the dialog both send a POST with a token.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import action
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextareaWidget

from leadsync.admin.filters import row_id
from leadsync.admin.navigation import forget_open_failures
from monitoring.kinds import MAX_NOTE
from monitoring.models import Heartbeat
from sarah.retry import Retried

AT_ONCE = 500
"""Rows that one click may work on; the commands take any number."""
SHOWN = 10
"""Rows that a question names; of the rest it says how many they are."""


class NoteForm(forms.Form):
    note = forms.CharField(
        label=_("Note"),
        required=False,
        max_length=MAX_NOTE,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Why it is resolved, for whoever looks at it later. May be empty."),
    )


class NoteDialogForm(NoteForm, BaseDialogForm):
    """A note, asked for in a dialog."""


def dialog(
    title: object,
    explanation: object,
    *,
    button: object,
    form: type[BaseDialogForm] = BaseDialogForm,
    destroys: bool = False,
) -> dict[str, Any]:
    """Return the question before an action; the button of what `destroys` is red."""
    return {
        "title": title,
        "description": explanation,
        "form_class": form,
        "form_submit_text": button,
        "destroys": destroys,
    }


def dialog_action(*, dialog: dict[str, Any], **options: Any) -> Callable[[Callable], Callable]:
    """Return Unfold's `action` for a row's page, with a question before it is done.

    The question opens over the page, and is a page of its own where it is opened as one: in a new
    tab, or without a script. What was done is told on the row's page, or on the action's answer.
    """

    def decorate(act: Callable) -> Callable:
        @wraps(act)
        def asked(page: Any, request: HttpRequest, object_id: str) -> HttpResponse:
            options = page.opts
            row_page = reverse(
                f"admin:{options.app_label}_{options.model_name}_change", args=[object_id]
            )
            if act.__name__ not in _offered(page, request, object_id):
                messages.warning(request, _("This is not possible now: see how it stands."))
                return go_to(request, row_page)
            form = dialog["form_class"](
                data=request.POST or None, request=request, object_id=object_id
            )
            if form.is_valid():
                return act(page, request, form, object_id) or go_to(request, row_page)
            if is_over_page(request):
                return render(request, "leadsync/dialog.html", {"dialog": dialog, "form": form})
            rows = page.get_queryset(request).filter(pk=row_id(object_id))
            return confirm_selection(page, request, rows, dialog, form=form, cancel_url=row_page)

        asked.dialog = dialog  # type: ignore[attr-defined]
        return action(**options)(asked)

    return decorate


def _offered(page: Any, request: HttpRequest, object_id: str) -> set[str]:
    """The names of the actions that make sense on this row now."""
    offered = page.get_actions_detail(request, object_id)
    return {one.method.original_function_name for one in offered}


def is_over_page(request: HttpRequest) -> bool:
    """Whether htmx asks, for a dialog over the page."""
    return "HX-Request" in request.headers


def go_to(request: HttpRequest, page: str) -> HttpResponse:
    """Answer a question's form: leave for this page."""
    if is_over_page(request):
        return HttpResponse(headers={"HX-Redirect": page})
    return HttpResponseRedirect(page)


def is_too_much(request: HttpRequest, selected: QuerySet) -> bool:
    """Return whether more rows are selected than one click may change; if so, tell the person."""
    if selected.order_by()[: AT_ONCE + 1].count() <= AT_ONCE:
        return False
    messages.error(
        request, _("Nothing was done: select at most %(limit)d at once.") % {"limit": AT_ONCE}
    )
    return True


def confirm_selection(
    model_admin: admin.ModelAdmin,
    request: HttpRequest,
    selected: QuerySet,
    asked: Mapping[str, object],
    *,
    action: str = "",
    form: forms.Form | None = None,
    numbers: Sequence[tuple[object, str]] = (),
    cancel_url: str = "",
) -> TemplateResponse:
    """Return the page that says what `action` will do to the selected rows.

    `numbers` describe the selection. If all rows of a filtered list are selected, confirming means
    all that match by then.
    """
    context = {
        **model_admin.admin_site.each_context(request),
        **asked,
        "opts": model_admin.model._meta,
        "form": form,
        "action": action,
        "shown": selected[:SHOWN],
        "more": max(selected.count() - SHOWN, 0),
        "numbers": numbers,
        "cancel_url": cancel_url or request.get_full_path(),
        "chosen": request.POST.getlist(ACTION_CHECKBOX_NAME),
        "select_across": request.POST.get("select_across", "0"),
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "media": model_admin.media,
    }
    return TemplateResponse(request, "leadsync/confirm_selection.html", context)


def is_confirmed(request: HttpRequest) -> bool:
    return request.method == "POST" and "confirmed" in request.POST


def tell_resolved(request: HttpRequest, count: int) -> None:
    """Tell the person how many failures were resolved."""
    forget_open_failures()
    text = ngettext("%d failure marked resolved.", "%d failures marked resolved.", count)
    messages.success(request, text % count)


def tell_retried(request: HttpRequest, tried: Retried, *, left_alone: int = 0) -> None:
    """Tell the person the result of a retry; `left_alone` are failures that no retry can end."""
    forget_open_failures()
    if count := tried.synced:
        text = ngettext(
            "%d conversation is in sync now.", "%d conversations are in sync now.", count
        )
        messages.success(request, text % count)
    if count := tried.due:
        text = ngettext(
            "%d more is due now, for the worker.", "%d more are due now, for the worker.", count
        )
        messages.info(request, text % count)
        if not Heartbeat.objects.seen().exists():
            messages.warning(request, _("No worker is running: start one (manage.py sync_worker)."))
    if count := tried.still_failing:
        text = ngettext(
            "%d conversation still does not sync; its failure says why.",
            "%d conversations still do not sync; their failures say why.",
            count,
        )
        messages.error(request, text % count)
    if left_alone:
        text = ngettext(
            "%d failure was left alone: it is resolved, or no retry can end it.",
            "%d failures were left alone: they are resolved, or no retry can end them.",
            left_alone,
        )
        messages.warning(request, text % left_alone)
