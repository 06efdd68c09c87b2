"""*Connect a bot*: a key, the function that uses it, and the first message, on one page."""

import json
from pathlib import Path
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from contacts.models import Workspace
from leadsync.admin.key_health import health_of
from leadsync.admin.tools import ModelAdmin
from leadsync.bots import BotError, check_name, issue_key
from leadsync.keys import digest
from leadsync.models import ApiKey

FUNCTION = Path(__file__).parent.parent / "snippets" / "kapso_function.js"
"""The README's function: the workflow gives it `env` and `phone`."""
EXAMPLE = {
    "site": "https://leads.example.com/sarah/state",
    "workspace": 'const WORKSPACE = "default";',
    "key": "env.LEADSYNC_KEY",
}


class ConnectForm(forms.Form):
    workspace = forms.ModelChoiceField(
        Workspace.objects.none(), label=_("Workspace"), widget=UnfoldAdminSelectWidget
    )
    bot_name = forms.CharField(
        label=_("Name of the bot"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Whatever it says is signed with this name."),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["workspace"]
        field.queryset = Workspace.objects.visible_to(user)
        field.empty_label = None

    def clean_bot_name(self) -> str:
        name: str = self.cleaned_data["bot_name"].strip()
        try:
            check_name(name)
        except BotError as error:
            raise ValidationError(gettext(error.sentence) % error.params) from None
        return name


def filled_in(*, site: str, workspace: str, key: str) -> str:
    """Return the function of a Kapso workflow, ready to be pasted."""
    text = FUNCTION.read_text()
    text = text.replace(EXAMPLE["site"], site).replace(EXAMPLE["key"], json.dumps(key))
    return text.replace(EXAMPLE["workspace"], f"const WORKSPACE = {json.dumps(workspace)};")


class ConnectViews(ModelAdmin):
    """Adds the page, and the fragment that it asks for until the first message is there."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("connect/", view(self.connect), name="leadsync_apikey_connect"),
            path("<int:pk>/heard/", view(self.tell_heard), name="leadsync_apikey_heard"),
            *super().get_urls(),
        ]

    def connect(self, request: HttpRequest) -> HttpResponse:
        """Make a key, and show it with the function, this once: no redirect may carry it."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = ConnectForm(
            request.POST or None, user=request.user, initial={"bot_name": _free_name()}
        )
        context: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": _("Connect a bot"),
            "opts": ApiKey._meta,
            "form": form,
        }
        if form.is_valid():
            context |= self._made(request, form)
        return TemplateResponse(request, "leadsync/connect_bot.html", context)

    def _made(self, request: HttpRequest, form: ConnectForm) -> dict[str, Any]:
        name, workspace = form.cleaned_data["bot_name"], form.cleaned_data["workspace"]
        try:
            secret = issue_key(name, role="sarah", workspace=workspace)
        except BotError as error:  # a colleague has just made its last key
            form.add_error("bot_name", gettext(error.sentence) % error.params)
            return {}
        key = ApiKey.objects.get(digest=digest(secret))
        self.log_addition(request, key, [{"added": {}}])
        site = request.build_absolute_uri(reverse("state"))
        return {
            "key": key,
            "secret": secret,
            "function": filled_in(site=site, workspace=workspace.slug, key=secret),
            "health": health_of(key),
        }

    def tell_heard(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What has come with this key, for the page to ask again and again."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = self.get_row_or_404(request, pk)
        context = {"key": key, "health": health_of(key)}
        return TemplateResponse(request, "leadsync/key_heard.html", context)


def _free_name() -> str:
    """Return the name of a bot that can be given a key: most often the usual one."""
    for name in ("sarah-bot", *(f"sarah-bot-{number}" for number in range(2, 10))):
        try:
            check_name(name)
        except BotError:
            continue
        return name
    return ""
