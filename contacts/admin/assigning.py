"""Assigning leads: whom one may choose, with what each has to do already, and what came of it."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.widgets import UnfoldAdminSelectWidget

from contacts import bulk
from contacts.models import ContactQuerySet, Load, Membership

NOBODY = "nobody"


class AssignForm(forms.Form):
    """Asks for one of the members of the leads' workspaces, or nobody."""

    person = forms.ChoiceField(label=_("Assign to"), widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, leads: ContactQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = leads.order_by().values("workspace").distinct()
        self.people = Membership.objects.filter(workspace__in=here).people()
        self.fields["person"].choices = choices_of(self.people)  # type: ignore[attr-defined]

    def clean_person(self) -> User | None:
        chosen = self.cleaned_data["person"]
        return next((one.person for one in self.people if str(one.person.pk) == chosen), None)


def choices_of(people: Iterable[Load]) -> list[tuple[str, Any]]:
    """Who has the least to do first, then nobody."""
    choices: list[tuple[str, Any]] = [(str(one.person.pk), label_of(one)) for one in people]
    return [("", _("Choose a person")), *choices, (NOBODY, _("Nobody"))]


def label_of(load: Load) -> str:
    """A name with what that person has to do: “Dewi (12 open, 3 overdue)”."""
    name = load.person.get_full_name() or load.person.get_username()
    told = [ngettext("%d open", "%d open", load.open) % load.open]
    if load.overdue:
        told.append(ngettext("%d overdue", "%d overdue", load.overdue) % load.overdue)
    if not load.takes_leads:
        told.append(str(_("takes none by turns")))
    return f"{name} ({', '.join(told)})"


def assign(request: HttpRequest, leads: ContactQuerySet, to: User | None) -> None:
    """Assign these leads, and tell the person what came of it."""
    done = bulk.assign(leads, to, by=request.user.get_username())
    messages.success(request, _told(request, to, done.moved))
    if done.refused:
        text = ngettext(
            "%d lead stays where it is: this person is no member of its workspace.",
            "%d leads stay where they are: this person is no member of their workspaces.",
            done.refused,
        )
        messages.warning(request, text % done.refused)


def _told(request: HttpRequest, to: User | None, count: int) -> str:
    if to is None:
        text = ngettext("%d lead is nobody's now.", "%d leads are nobody's now.", count)
        return text % count
    if to == request.user:
        text = ngettext(
            "%d lead is now assigned to you.", "%d leads are now assigned to you.", count
        )
        return text % count
    text = ngettext(
        "%(count)d lead is now assigned to %(person)s.",
        "%(count)d leads are now assigned to %(person)s.",
        count,
    )
    return text % {"count": count, "person": to.get_full_name() or to.get_username()}
