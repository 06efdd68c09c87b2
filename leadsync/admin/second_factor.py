"""The log-in in two steps: the password, and for who wants it a code."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from unfold.widgets import UnfoldAdminTextInputWidget

from leadsync.second_factor import has_second_factor, is_right
from leadsync.sessions import log_in

STEP = "second_step"
"""In the session: who has shown a password, when, and where they want to go."""
STEP_SECONDS = 600


class CodeForm(forms.Form):
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "inputmode": "text", "autofocus": True}
        ),
        help_text=_("From your authenticator app, or one of your recovery codes."),
    )

    def __init__(self, user: User, *args: Any) -> None:
        super().__init__(*args)
        self.user = user

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if not is_right(self.user, code):
            raise ValidationError(
                _("This code is not right. After a wrong one, wait a few seconds: each doubles it.")
            )
        return code


@method_decorator(never_cache, name="dispatch")
class LogInView(LoginView):
    """Django's, with the second step where somebody has a second factor."""

    template_name = "admin/login.html"
    redirect_authenticated_user = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        page = {"title": _("Log in"), "subtitle": None, "app_path": self.request.get_full_path()}
        context: dict[str, Any] = admin.site.each_context(self.request) | page
        return context | super().get_context_data(**kwargs)

    def get_form_class(self) -> Any:
        return admin.site.login_form

    def form_valid(self, form: Any) -> HttpResponse:
        user, page = form.get_user(), self.get_success_url()
        if has_second_factor(user):
            return begin_second_step(self.request, user, then=page)
        log_in(self.request, user)
        return HttpResponseRedirect(page)


def login(request: HttpRequest, extra_context: Any = None) -> Any:
    """Show the log-in, or the first page to who is logged in."""
    if request.method == "GET" and admin.site.has_permission(request):
        return HttpResponseRedirect(reverse("admin:index"))
    return LogInView.as_view()(request)


def begin_second_step(request: HttpRequest, user: User, *, then: str) -> HttpResponse:
    """Ask for a code before anybody is logged in."""
    request.session.cycle_key()
    request.session[STEP] = {"user": user.pk, "at": timezone.now().timestamp(), "then": then}
    return HttpResponseRedirect(reverse("second-step"))


@never_cache
def second_step(request: HttpRequest) -> HttpResponse:
    """Take the code; the first step is forgotten after ten minutes."""
    begun = request.session.get(STEP)
    if not begun or timezone.now().timestamp() - begun["at"] > STEP_SECONDS:
        return HttpResponseRedirect(reverse("admin:login"))
    user = get_object_or_404(User, pk=begun["user"], is_active=True)
    form = CodeForm(user, request.POST or None)
    if form.is_valid():
        del request.session[STEP]
        log_in(request, user)
        return HttpResponseRedirect(_safe(request, begun["then"]))
    context = {
        **admin.site.each_context(request),
        "title": _("Log in"),
        "form": form,
        "app_path": request.path,
    }
    return TemplateResponse(request, "leadsync/password/code.html", context)


def _safe(request: HttpRequest, page: str) -> str:
    is_ours = url_has_allowed_host_and_scheme(page, allowed_hosts={request.get_host()})
    return page if is_ours else reverse("admin:index")


admin.site.login = login  # type: ignore[method-assign]
