"""Choosing a password by a link: after an invitation, or when it is forgotten."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import views
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget

from leadsync.admin.second_factor import begin_second_step
from leadsync.infra.addresses import client_network
from leadsync.invitations import VALID_DAYS, join
from leadsync.second_factor import has_second_factor
from leadsync.sessions import log_in

ACCOUNT_PAUSE = 5 * 60
"""Seconds between two mails to one account."""
ADDRESS_TRIES, ADDRESS_SECONDS = 10, 3600


class ForgottenForm(PasswordResetForm):
    """Sends a link to staff, also to who was invited and has not chosen a password yet."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].widget = UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"})

    def get_users(self, email: str) -> list[User]:
        known = User.objects.filter(email__iexact=email, is_active=True, is_staff=True)
        return [user for user in known if cache.add(f"forgotten.{user.pk}", 1, ACCOUNT_PAUSE)]


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
        """Say the same to everybody: whether there is such an account, and also who asks too often
        whether there is."""
        key = f"forgotten.at.{client_network(self.request)}"
        cache.add(key, 0, ADDRESS_SECONDS)
        if cache.incr(key) > ADDRESS_TRIES:
            return HttpResponseRedirect(str(self.success_url))
        return super().form_valid(form)


class SentView(_Page, views.PasswordResetDoneView):
    template_name = "leadsync/password/sent.html"
    title = _("Look into your mail")


class ChosenPasswordForm(AdminPasswordChangeForm):
    """A password, twice; the account is known by the link."""

    usable_password = None

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        for name in ("password1", "password2"):
            self.fields[name].widget = UnfoldAdminPasswordWidget(
                attrs={"autocomplete": "new-password"}
            )


class ChooseView(_Page, views.PasswordResetConfirmView):
    """The link proves who it is: they are logged in at once, unless they have a second factor."""

    template_name = "leadsync/password/choose.html"
    form_class = ChosenPasswordForm
    title = _("Choose a password")

    def form_valid(self, form: Any) -> HttpResponse:
        user = form.save()
        join(user)
        self.request.session.pop(views.INTERNAL_RESET_SESSION_TOKEN, None)
        page = reverse("admin:index")
        if has_second_factor(user):
            return begin_second_step(self.request, user, then=page)
        log_in(self.request, user)
        return HttpResponseRedirect(page)
