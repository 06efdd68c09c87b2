"""The page that invites colleagues by e-mail, and shows who has not joined yet."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminEmailInputWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from contacts.admin.fields import LineField
from contacts.models import Language, Workspace, colleagues_of
from leadsync import invitations
from leadsync.invitations import Invited, SwitchedOffError
from leadsync.models import Invitation
from leadsync.roles import roles_to_give, with_words

MAY_INVITE = "contacts.invite_member"


class InviteForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"), widget=UnfoldAdminEmailInputWidget)
    name = LineField(label=_("Name"), max_length=150, widget=UnfoldAdminTextInputWidget)
    role: Any = forms.ModelChoiceField(
        None, label=_("Role"), empty_label=None, widget=UnfoldAdminRadioSelectWidget
    )
    workspaces: Any = forms.ModelMultipleChoiceField(
        None, label=_("Workspaces"), widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    language = forms.ChoiceField(
        label=_("Language of the mail"), choices=Language.choices, widget=UnfoldAdminSelectWidget
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        role: Any = self.fields["role"]
        role.queryset = roles_to_give(user)
        role.label_from_instance = with_words
        workspaces: Any = self.fields["workspaces"]
        workspaces.queryset = seen = Workspace.objects.visible_to(user).order_by("name", "pk")
        only = list(seen[:2])
        self.initial.setdefault("workspaces", only if len(only) == 1 else [])
        self.initial.setdefault("language", get_language())
        self.initial.setdefault("role", role.queryset.filter(name="Sales").first())

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()


@permission_required(MAY_INVITE, raise_exception=True)
def page(request: HttpRequest) -> HttpResponse:
    """Show the form, and whoever was invited and has not joined; a POST invites."""
    user = cast(User, request.user)
    form = InviteForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid() and _invite(request, form):
        return HttpResponseRedirect(request.path)
    context = {
        **admin.site.each_context(request),
        "title": _("Invite a colleague"),
        "form": form,
        "waiting": waiting_for(user),
        "days": invitations.VALID_DAYS,
    }
    return TemplateResponse(request, "leadsync/invite.html", context)


@require_POST
@permission_required(MAY_INVITE, raise_exception=True)
def resend(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the link once more, with three new days."""
    send(request, get_object_or_404(waiting_for(cast(User, request.user)), pk=pk))
    return HttpResponseRedirect(reverse("invite"))


def waiting_for(user: User) -> QuerySet[Invitation]:
    """Those who were invited and have not joined yet, as far as this person sees them."""
    waiting = Invitation.objects.filter(joined_at__isnull=True, user__is_active=True)
    return waiting.filter(user__in=colleagues_of(user)).select_related("user").order_by("-sent_at")


def _invite(request: HttpRequest, form: InviteForm) -> bool:
    user, said = cast(User, request.user), form.cleaned_data
    by = user.get_full_name() or user.username
    try:
        invited = invitations.invite(**said, by=by)
    except SwitchedOffError:
        text = _("This person has an account that is switched off. A superuser can switch it on.")
        form.add_error("email", str(text))
        return False
    if invited.invitation:
        send(request, invited.invitation)
    else:
        _tell(request, invited, by=by, language=said["language"])
    return True


def send(request: HttpRequest, invitation: Invitation) -> None:
    """Send the invitation's link, and tell the person so."""
    send_link(request, invitation.user, partial(invitations.send, invitation))


def send_link(request: HttpRequest, user: User, mail: Callable[..., None]) -> None:
    """Send a link to choose a password, by what sends the mail, and tell the person so.

    If it cannot be sent, only a superuser is shown the link: it opens an account that may do more
    than one's own.
    """
    site = _site(request)
    try:
        mail(site=site)
    except OSError:
        if not request.user.is_superuser:
            messages.error(request, _("The mail could not be sent. Try again later."))
            return
        text = _("The mail could not be sent. Give them this link yourself:")
        link = invitations.link_for(user, site=site)
        messages.warning(request, format_html('{} <code class="ls-wrap">{}</code>', text, link))
        return
    text = _("Sent to %(email)s. The link is valid for %(days)d days.")
    messages.success(request, text % {"email": user.email, "days": invitations.VALID_DAYS})


def _tell(request: HttpRequest, invited: Invited, *, by: str, language: str) -> None:
    text = _("%s has an account already, and is a member now.") % invited.user.get_username()
    messages.success(request, text)
    try:
        link = f"{_site(request)}{reverse('admin:index')}"
        invitations.tell_member(invited.user, by=by, language=language, site=link)
    except OSError:
        messages.warning(request, _("The mail could not be sent: tell them yourself."))


def _site(request: HttpRequest) -> str:
    return request.build_absolute_uri("/").rstrip("/")
