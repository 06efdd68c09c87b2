"""The next step on a lead's page: planned with one click or by hand, done, moved, dropped."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from contacts.admin.fields import LineField
from contacts.admin.record.neighbours import back_to
from contacts.models import MAX_STEP, Contact, FollowUp, Outcome, who_may_see
from contacts.worktime import Soon

SOON = {
    Soon.TOMORROW: _("Tomorrow"),
    Soon.IN_3_DAYS: _("In 3 days"),
    Soon.NEXT_MONDAY: _("Next Monday"),
}


class StepForm(forms.Form):
    """A button, and what was typed beside it."""

    text = LineField(required=False, max_length=MAX_STEP)
    due_at = forms.DateTimeField(required=False)
    whose = forms.ModelChoiceField(User.objects.none(), required=False)
    soon = forms.ChoiceField(required=False, choices=list(SOON.items()))
    step = forms.IntegerField(required=False)
    close = forms.ChoiceField(required=False, choices=[*Outcome.choices])

    def __init__(self, lead: Contact, *args: Any) -> None:
        super().__init__(*args)
        self.fields["whose"].queryset = who_may_see(lead.workspace)  # type: ignore[attr-defined]


def when_due(step: FollowUp) -> str:
    zone = step.contact.workspace.work_time.zone
    local = timezone.localtime(step.due_at, zone)
    return date_format(local, "D j M Y" if step.is_all_day else "D j M Y, H:i")


def morning(lead: Contact, when: Soon) -> str:
    hours = lead.workspace.work_time
    return date_format(
        timezone.localtime(hours.soon(when, timezone.now()), hours.zone), "D j M, H:i"
    )


class NextStep:
    """Adds what the page of a lead posts to."""

    def get_urls(self) -> list[URLPattern]:
        admin_view: Any = self.admin_site.admin_view  # type: ignore[attr-defined]
        view = admin_view(require_POST(self.plan_next_step))
        return [
            path("<int:pk>/next-step/", view, name="contacts_contact_next_step"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def plan_next_step(self, request: HttpRequest, pk: int) -> HttpResponse:
        lead = get_object_or_404(Contact.objects.select_related("workspace"), pk=pk)
        if not self.has_change_permission(request, lead):  # type: ignore[attr-defined]
            raise PermissionDenied
        form = StepForm(lead, request.POST)
        if not form.is_valid():
            for name, errors in form.errors.items():
                messages.error(request, f"{form.fields[name].label or name}: {errors[0]}")
        elif form.cleaned_data["close"]:
            _close(request, lead, form.cleaned_data)
        else:
            plan(request, lead, form.cleaned_data)
        return back_to(request, pk)


def _close(request: HttpRequest, lead: Contact, asked: dict[str, Any]) -> None:
    """Close the step that the person saw: somebody may have planned another one since."""
    outcome, steps = Outcome(asked["close"]), FollowUp.objects.filter(contact=lead)
    if asked["step"]:
        steps = steps.filter(pk=asked["step"])
    if steps.close(outcome, by=request.user.get_username()):
        messages.success(request, outcome.label)
    else:
        messages.error(request, _("Nothing was changed: this step is no longer the open one."))


def plan(request: HttpRequest, lead: Contact, asked: dict[str, Any]) -> None:
    """Plan what was asked for; what is left out stays as it is in the open step."""
    hours, open_step = lead.workspace.work_time, lead.follow_ups.open().first()
    due_at = asked["due_at"]
    if asked["due_at"]:
        due_at = asked["due_at"].replace(tzinfo=hours.zone)  # typed by the workspace's clock
    if asked["soon"]:
        due_at = hours.soon(Soon(asked["soon"]), timezone.now())
    if due_at is None:
        messages.error(request, _("Choose when the next step is due."))
        return
    former = open_step.text if open_step else gettext("Contact again")
    whose = asked["whose"] or (None if open_step else lead.assigned_to or cast(User, request.user))
    FollowUp.objects.plan(
        lead,
        text=asked["text"] or former,
        due_at=due_at,
        whose=whose,
        by=request.user.get_username(),
    )
    told = gettext("The next step is planned.")
    is_others = open_step and open_step.created_by != request.user.get_username()
    if open_step and (is_others or open_step.text != (asked["text"] or former)):
        told = gettext("The next step is planned. It takes the place of “%s”.") % open_step.text
    messages.success(request, told)
