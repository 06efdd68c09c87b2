"""*My notifications*: what a person wants to be told about leads, how, and when not."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from contacts.models import Language
from leadsync.admin.html import NOTHING, ago
from leadsync.admin.tools import ModelAdmin
from monitoring.admin.webhook_fields import WebhookFields, shown_secret
from monitoring.models import LeadEventKind, LeadMessage, NotificationPreferences
from monitoring.sentences import in_words

SHOWN = 10


class NotificationsForm(WebhookFields):
    events = forms.MultipleChoiceField(
        label=_("Tell me when"),
        required=False,
        choices=LeadEventKind.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("About your own leads, and about those of your workspaces that are nobody's."),
    )

    class Meta:
        model = NotificationPreferences
        fields: list[str] = []  # the admin's fieldsets name them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        muted = self.instance.muted
        self.initial["events"] = [kind for kind in LeadEventKind.values if kind not in muted]
        usual = ("", _("As usual in the workspace's country"))
        self.fields["language"].choices = [usual, *Language.choices]  # type: ignore[attr-defined]
        self.fields["language"].help_text = ""
        email = self.instance.user.email
        self.fields["by_email"].help_text = email or _("Your account has no e-mail address yet.")


@admin.register(NotificationPreferences)
class NotificationsAdmin(ModelAdmin):
    form = NotificationsForm
    actions = None
    readonly_fields = ("secret", "latest")
    fieldsets = (
        (None, {"fields": ("events", ("by_email", "language"), ("quiet_from", "quiet_until"))}),
        (
            _("By webhook"),
            {"fields": ("webhook_url", ("webhook_header", "header_value"), "secret")},
        ),
        (_("Latest messages"), {"fields": ("latest",)}),
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None or obj.user_id == request.user.pk

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """There is one for each person: open it."""
        mine, _is_new = NotificationPreferences.objects.get_or_create(user=request.user)
        return HttpResponseRedirect(page_of(mine))

    def response_change(self, request: HttpRequest, obj: NotificationPreferences) -> HttpResponse:
        messages.success(request, _("Your notifications are as you chose."))
        return HttpResponseRedirect(page_of(obj))

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Each has one, so that its kind says which."""
        return super().render_change_form(request, context | {"subtitle": None}, *args, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name in ("quiet_from", "quiet_until"):
            # Django's own warns of the time zone of the browser, which does not count here.
            kwargs |= {"widget": UnfoldAdminTextInputWidget(attrs={"type": "time"})}
        if db_field.name == "webhook_url":
            kwargs |= {"widget": UnfoldAdminTextInputWidget(attrs={"placeholder": "https://"})}
            kwargs["help_text"] = _(
                "Messages are POSTed to it as JSON; “text” is for people, so it works with Slack "
                "and Telegram gateways as it is. Only public addresses."
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: NotificationPreferences, form: Any, change: bool
    ) -> None:
        obj.webhook_header_value = form.cleaned_data["header_value"]
        wanted = form.cleaned_data["events"]
        obj.muted = [kind for kind in LeadEventKind.values if kind not in wanted]
        super().save_model(request, obj, form, change)

    @display(description=_("signing secret"))
    def secret(self, preferences: NotificationPreferences) -> SafeString:
        return shown_secret(preferences.webhook_secret)

    @display(description=_("messages"))
    def latest(self, preferences: NotificationPreferences) -> object:
        mine = LeadMessage.objects.filter(person=preferences.user, attempts__gt=0)
        rows = mine.select_related("event").order_by("-pk")[:SHOWN]
        told = [
            (one.event.get_kind_display(), one.get_channel_display(), _came_to(one)) for one in rows
        ]
        return format_html_join("", "<p>{} · {} · {}</p>", told) if told else _("None yet.")


def page_of(preferences: NotificationPreferences) -> str:
    return reverse("admin:monitoring_notificationpreferences_change", args=[preferences.pk])


def _came_to(message: LeadMessage) -> object:
    return ago(message.delivered_at) if message.delivered_at else in_words(message.error) or NOTHING
