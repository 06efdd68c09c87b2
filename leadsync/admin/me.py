"""A person's own page: name, language, password, where one is logged in, and the second factor."""

from typing import Any, cast

import segno
from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import mark_safe
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contacts.admin.fields import LineField
from contacts.models import Membership, Workspace
from leadsync import second_factor
from leadsync.admin.html import ago
from leadsync.admin.second_factor import CodeForm
from leadsync.roles import in_words
from leadsync.sessions import log_ins_of, log_out_elsewhere

NOTIFICATIONS = "admin:monitoring_notificationpreferences_changelist"


class MeForm(forms.ModelForm):
    first_name = LineField(
        label=_("First name"), max_length=150, required=False, widget=UnfoldAdminTextInputWidget
    )
    last_name = LineField(
        label=_("Last name"), max_length=150, required=False, widget=UnfoldAdminTextInputWidget
    )
    language = forms.ChoiceField(
        label=_("Language"), choices=settings.LANGUAGES, widget=UnfoldAdminSelectWidget
    )

    class Meta:
        model = User
        fields = ("first_name", "last_name")


class AppCodeForm(CodeForm):
    """A code of the app that is being set up: proves that it was set up."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.fields["code"].help_text = ""

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].replace(" ", "")
        if not second_factor.new_app(self.user).verify_token(code):
            raise ValidationError(
                _("The app shows another code. Is the phone's clock right? Type the next one.")
            )
        return code


def page(request: HttpRequest) -> HttpResponse:
    """Show the page; a POST saves name and language."""
    user = cast(User, request.user)
    initial = {"language": get_language()}
    form = MeForm(request.POST or None, instance=user, initial=initial)
    if request.method == "POST" and form.is_valid():
        user.save(update_fields=["first_name", "last_name"])
        messages.success(request, _("Saved."))
        return _in_language(form.cleaned_data["language"])
    context = {
        **admin.site.each_context(request),
        "title": _("My account"),
        "form": form,
        "roles": [(role.name, in_words(role)) for role in user.groups.order_by("name")],
        "workspaces": Workspace.objects.visible_to(user).order_by("name"),
        "takes_leads": Membership.objects.filter(user=user).values_list("takes_leads", flat=True),
        "notifications": _notifications(),
        "log_ins": [(one, ago(one.at)) for one in log_ins_of(user)],
        "session_key": request.session.session_key,
        "has_second_factor": second_factor.has_second_factor(user),
        "left_codes": second_factor.left_codes(user),
    }
    return TemplateResponse(request, "leadsync/me.html", context)


@require_POST
def take_leads(request: HttpRequest) -> HttpResponse:
    """Be there for leads that are given by turns, or away, in all of one's workspaces."""
    mine = Membership.objects.filter(user=request.user.pk)
    if mine.update(takes_leads="away" not in request.POST):
        messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("me"))


@require_POST
def log_out_everywhere_else(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    count = log_out_elsewhere(user, session_key=request.session.session_key)
    text = ngettext("%d other log-in was ended.", "%d other log-ins were ended.", count)
    messages.success(request, text % count)
    return HttpResponseRedirect(reverse("me"))


@sensitive_post_parameters()
def set_up(request: HttpRequest) -> HttpResponse:
    """Show the code to scan; a POST with a code of the app switches the second factor on."""
    user = cast(User, request.user)
    if second_factor.has_second_factor(user):
        return HttpResponseRedirect(reverse("me"))
    app = second_factor.new_app(user)
    form = AppCodeForm(user, request.POST or None)
    if request.method == "POST" and form.is_valid():
        codes = second_factor.switch_on(app)
        log_out_elsewhere(user, session_key=request.session.session_key)
        return _show_codes(request, codes)
    context = {
        **admin.site.each_context(request),
        "title": _("Set up a second factor"),
        "form": form,
        # Drawn by us of our own address: no text of anybody's is in it.
        "picture": mark_safe(segno.make(app.config_url).svg_inline(scale=5, border=2)),  # noqa: S308
        "secret": _grouped(app),
    }
    return TemplateResponse(request, "leadsync/second_factor.html", context)


@require_POST
def new_codes(request: HttpRequest) -> HttpResponse:
    """Show new recovery codes to who has a right code."""
    user = cast(User, request.user)
    if not _has_right_code(request, user):
        return HttpResponseRedirect(reverse("me"))
    return _show_codes(request, second_factor.new_recovery_codes(user))


@require_POST
def switch_off(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    if _has_right_code(request, user):
        second_factor.switch_off(user)
        messages.success(request, _("The log-in asks for your password alone now."))
    return HttpResponseRedirect(reverse("me"))


def _has_right_code(request: HttpRequest, user: User) -> bool:
    form = CodeForm(user, request.POST)
    for error in form.errors.get("code", []):
        messages.error(request, str(error))
    return form.is_valid()


def _show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    """Show them, this once: no redirect may carry them."""
    context = {**admin.site.each_context(request), "title": _("Recovery codes"), "codes": codes}
    return TemplateResponse(request, "leadsync/recovery_codes.html", context)


def _grouped(app: Any) -> str:
    """The secret as people type it into an app: base32 in groups of four."""
    secret = app.config_url.partition("secret=")[2].partition("&")[0]
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def _notifications() -> str:
    try:
        return reverse(NOTIFICATIONS)
    except NoReverseMatch:
        return ""


def _in_language(language: str) -> HttpResponse:
    """Go back to the page, in this language from now on."""
    response = HttpResponseRedirect(reverse("me"))
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=settings.LANGUAGE_COOKIE_AGE,
        secure=settings.LANGUAGE_COOKIE_SECURE,
        httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
        samesite="Lax",
    )
    return response
