"""The admin's log-in, and the page of those who failed to log in."""

from datetime import timedelta
from math import ceil
from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext, ngettext_lazy
from unfold.decorators import action
from unfold.forms import AuthenticationForm

from leadsync.admin.actions import confirm_selection, dialog, is_confirmed
from leadsync.admin.html import ago
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, ReadOnly, column, holds
from leadsync.error_pages import ErrorPage, error_page
from leadsync.lockout import ACCOUNT_TRIES, free_at
from leadsync.models import FailedLogin
from monitoring.alerts.announce import finding, notice
from monitoring.models import AlertKind

WAIT = ngettext_lazy(
    "Wait %(minutes)d minute, then try again. If you are in a hurry, ask an operator to let you "
    "in.",
    "Wait %(minutes)d minutes, then try again. If you are in a hurry, ask an operator to let you "
    "in.",
    "minutes",
)
WRONG = _(
    "User name or password is wrong. After %(tries)d wrong passwords you have to wait a minute, "
    "and after each further one twice as long."
)
WILL_LET_IN = _(
    "What these accounts and addresses got wrong is forgotten: they may try again at once."
)


class LoginForm(AuthenticationForm):
    """Says before anybody has to wait that they may have to."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].label = _("User name")

    def get_invalid_login_error(self) -> ValidationError:
        return ValidationError(WRONG % {"tries": ACCOUNT_TRIES}, code="invalid_login")


admin.site.login_form = LoginForm


def too_many(request: Any, response: HttpResponse, credentials: Any) -> HttpResponse:
    """Say for how long to wait, and tell operators. The right password is not tried meanwhile."""
    notice(finding(AlertKind.LOCKOUT))
    left = max(free_at(request, credentials) - timezone.now(), timedelta())
    advice = WAIT % {"minutes": max(ceil(left / timedelta(minutes=1)), 1)}
    page = ErrorPage(_("Too many wrong passwords"), advice)
    return error_page(request, 429, page, wait=left + timedelta(seconds=1))


@admin.register(FailedLogin)
class FailedLoginAdmin(ReadOnly, ModelAdmin):
    list_display = ("account", "address", "times", "last")
    list_display_links = None
    on_phone = TwoLines(who="account", told="address", mark="times", when="last")
    list_before_template = "leadsync/failed_login_hint.html"
    when_empty = _("Nobody got a password wrong in the last 24 hours.")
    search_fields = ("username", "ip_address")
    search_help_text = _("Account or address")
    ordering = ("-attempt_time", "-pk")
    actions = ("let_in",)
    fields = ("account", "address", "times", "last")

    account = column("username", _("account"), sortable=True)
    address = column("ip_address", _("address"), sortable=True)
    times = column("failures_since_start", _("wrong passwords"), sortable=True)
    last = column("attempt_time", _("last"), ago, sortable=True)

    has_let_in_permission = holds("leadsync.delete_failedlogin")

    @action(description=_("Let in"), permissions=["let_in"])
    def let_in(self, request: HttpRequest, attempts: QuerySet[FailedLogin]) -> HttpResponse | None:
        if not is_confirmed(request):
            question = dialog(_("Let them try again?"), WILL_LET_IN, button=_("Let in"))
            return confirm_selection(self, request, attempts, question, action="let_in")
        chosen = list(attempts.values_list("username", "ip_address"))
        accounts, addresses = {account for account, _a in chosen}, {one for _a, one in chosen}
        known = Q(username__in=accounts) | Q(ip_address__in=addresses)
        count, _by_model = AccessAttempt.objects.filter(known).delete()
        text = ngettext("%d entry is forgotten.", "%d entries are forgotten.", count)
        messages.success(request, text % count)
        return None
