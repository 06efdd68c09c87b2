"""Choosing a password by a link: after an invitation, or when it is forgotten."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminOwnPasswordChangeForm, AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from leadsync.admin.second_factor import begin_second_step
from leadsync.error_pages import error_page
from leadsync.infra.requests import client_network
from leadsync.invitations import VALID_DAYS, join
from leadsync.second_factor import has_second_factor
from leadsync.sessions import log_in
from leadsync.tries import Tries

ACCOUNT_PAUSE = timedelta(minutes=5)
"""Between two mails to one account."""
RULES = _("At least 8 characters, not digits alone, and nothing that is easy to guess.")
NEW, AGAIN = _("New password"), _("New password, once more")
ADDRESS_TRIES, ADDRESS_PAUSE = 10, timedelta(hours=1)


class ForgottenForm(PasswordResetForm):
    """Sends a link to staff, also to who was invited and has not chosen a password yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget = UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"})

    def get_users(self, email: str) -> list[User]:
        known = User.objects.filter(email__iexact=email, is_active=True, is_staff=True)
        take = partial(Tries.objects.take, most=1, within=ACCOUNT_PAUSE)
        return [user for user in known if take(f"a mail to account {user.pk}")]


class _Page:
    """The look of the log-in's page."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return admin.site.each_context(self.request) | context | {"days": VALID_DAYS}  # type: ignore[attr-defined]


class ForgottenView(_Page, views.PasswordResetView):
    template_name = "leadsync/password/forgotten.html"
    email_template_name = "leadsync/password/mail.txt"
    subject_template_name = "leadsync/password/subject.txt"
    form_class = ForgottenForm
    success_url = reverse_lazy("forgotten-sent")
    title = _("Forgotten password")

    def form_valid(self, form: Any) -> HttpResponse:
        """Say the same to everybody, whether there is such an account or not; who asks for too many
        has to wait."""
        asked = f"mails from {client_network(self.request)}"
        if not Tries.objects.take(asked, most=ADDRESS_TRIES, within=ADDRESS_PAUSE):
            return error_page(self.request, 429, wait=ADDRESS_PAUSE)
        return super().form_valid(form)


class SentView(_Page, views.PasswordResetDoneView):
    template_name = "leadsync/password/sent.html"
    title = _("Look into your mail")


class WithPassword:
    """The words of a form that asks for a new password, twice."""

    usable_password = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)  # type: ignore[attr-defined]
        for name, label, help_text in (("1", NEW, RULES), ("2", AGAIN, "")):
            field = next(one for key, one in self.fields.items() if key.endswith(f"password{name}"))  # type: ignore[attr-defined]
            field.label, field.help_text = label, help_text
            field.widget = UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"})


class ChosenPasswordForm(WithPassword, AdminPasswordChangeForm):
    """The account is known by the link, or by its page."""

    def __init__(self, user: User | None, *args: Any, **kwargs: Any) -> None:
        super().__init__(user or User(), *args, **kwargs)  # a link of nobody's


class OwnPasswordForm(WithPassword, AdminOwnPasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["old_password"].label = _("Password until now")


class OwnView(_Page, views.PasswordChangeView):
    template_name = "leadsync/password/own.html"
    form_class = OwnPasswordForm
    title = _("Change password")

    def form_valid(self, form: Any) -> HttpResponse:
        """Whoever is logged in elsewhere with the old one is logged out; here, nobody is."""
        log_in(self.request, form.save())
        messages.success(self.request, _("Your password is changed."))
        return HttpResponseRedirect(reverse("me"))


class ChooseView(_Page, views.PasswordResetConfirmView):
    """The link proves who it is: they are logged in at once, unless they have a second factor."""

    template_name = "leadsync/password/choose.html"
    form_class = ChosenPasswordForm
    title = _("Choose a password")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        return context if context["validlink"] else context | {"title": _("This link is used up")}

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.save()
        join(user)
        self.request.session.pop(views.INTERNAL_RESET_SESSION_TOKEN, None)
        page = reverse("admin:index")
        if has_second_factor(user):
            return begin_second_step(self.request, user, then=page)
        log_in(self.request, user)
        return HttpResponseRedirect(page)
