"""Admin pages of alert settings: who is notified of what, and a test message."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts.admin.fields import ListField
from leadsync.admin.actions import dialog, dialog_action
from leadsync.admin.html import NOTHING, as_wrapped, pill
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, column, computed, holds
from leadsync.infra.visible import reach_of
from monitoring.admin.deliveries import deliveries_table, in_short
from monitoring.admin.webhook_fields import WebhookFields, shown_secret
from monitoring.alerts.deliver import send_test
from monitoring.models import AlertDelivery, AlertSettings

MAX_EMAILS = 10
WILL_TEST = _(
    "Everyone in these settings gets a test message right now, as they are saved. It takes a few "
    "seconds; then you see here what arrived and what did not."
)


class EmailsField(ListField):
    """E-mail addresses, one per line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    def run_validators(self, value: list[str]) -> None:
        for address in value:
            try:
                validate_email(address)
            except ValidationError:
                raise ValidationError(_("This is no e-mail address: %s") % address) from None


class AlertSettingsForm(WebhookFields):
    emails: Any = EmailsField(
        max_items=MAX_EMAILS,
        label=_("E-mail addresses"),
        required=False,
        help_text=_("One on each line."),
    )

    for_all = False
    """Whether the person sees all workspaces, and may have alerts of all sent."""

    class Meta:
        model = AlertSettings
        fields: list[str] = []  # the admin's fieldsets name them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workspace: Any = self.fields.get("workspace")
        if workspace:
            workspace.widget = workspace.widget.widget  # without the menu to edit the related row
            workspace.required = not self.for_all
            workspace.empty_label = _("All workspaces") if self.for_all else None
            if self.for_all:
                workspace.help_text = _("“All workspaces” includes what belongs to none.")


@admin.register(AlertSettings)
class AlertSettingsAdmin(ModelAdmin):
    form = AlertSettingsForm
    list_display = ("for_whom", "addresses", "webhook", "active", "last_delivery")
    list_display_links = ("for_whom",)
    on_phone = TwoLines(who="for_whom", told="addresses", mark="active", when="last_delivery")
    list_select_related = ("workspace",)
    when_empty = _("Nobody is told about alerts yet: say here who should be.")
    ordering = (F("workspace__name").asc(nulls_first=True),)
    actions = None
    actions_detail = ("send_test_alert",)
    readonly_fields = ("secret", "deliveries")

    def get_fieldsets(self, request: HttpRequest, obj: AlertSettings | None = None) -> Any:
        webhook = ["webhook_url", ("webhook_header", "header_value"), *(["secret"] if obj else [])]
        sections: list[tuple[Any, dict[str, Any]]] = [
            (None, {"fields": ["workspace", ("is_active", "language")]}),
            (_("Who is told"), {"fields": ["emails", *webhook]}),
            (_("Limits"), {"fields": [("silent_after_hours", "max_failure_percent")]}),
        ]
        if obj:
            sections.append((_("Latest messages"), {"fields": ["deliveries"]}))
        return sections

    def get_queryset(self, request: HttpRequest) -> QuerySet[AlertSettings]:
        tried = AlertDelivery.objects.filter(settings=OuterRef("pk"), attempts__gt=0)
        latest = tried.order_by("-created_at", "-pk")
        settings = super().get_queryset(request)
        return settings.annotate(
            last_attempts=Subquery(latest.values("attempts")[:1]),
            last_delivered_at=Subquery(latest.values("delivered_at")[:1]),
            last_error=Subquery(latest.values("error")[:1]),
        )

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        form.for_all = reach_of(request.user).is_everything
        return form

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "webhook_url":
            kwargs |= {"widget": UnfoldAdminTextInputWidget(attrs={"placeholder": "https://"})}
            kwargs["help_text"] = _(
                "Alerts are POSTed to it as JSON; “text” is for people, so it works with Slack and "
                "Telegram as it is. Only public addresses; redirects are not followed."
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: AlertSettings, form: AlertSettingsForm, change: bool
    ) -> None:
        obj.webhook_header_value = form.cleaned_data["header_value"]
        super().save_model(request, obj, form, change)
        obj.forget_removed_recipients()

    for_whom = computed(_("for"), str, ordering="workspace__name")

    addresses = column(
        "emails", _("e-mail addresses"), lambda emails: as_wrapped(", ".join(emails) or NOTHING)
    )
    webhook = column("webhook_host", _("webhook"))

    @display(description=_("active"))
    def active(self, settings: AlertSettings) -> SafeString:
        return pill(_("On"), "success") if settings.is_active else pill(_("Off"))

    @display(description=_("last message"))
    def last_delivery(self, settings: Any) -> SafeString | None:
        if not settings.last_attempts:
            return None
        return in_short(error=settings.last_error, delivered_at=settings.last_delivered_at)

    @display(description=_("signing secret"))
    def secret(self, settings: AlertSettings) -> SafeString:
        return shown_secret(settings.webhook_secret)

    deliveries = computed(
        _("messages"), lambda settings: deliveries_table(settings.deliveries.all(), with_alert=True)
    )

    has_test_permission = holds("monitoring.change_alertsettings")

    @dialog_action(
        description=_("Send a test alert"),
        permissions=["test"],
        url_path="test",
        icon="send",
        variant=ActionVariant.PRIMARY,
        dialog=dialog(_("Send a test alert?"), WILL_TEST, button=_("Send")),
    )
    def send_test_alert(self, request: HttpRequest, form: forms.Form, object_id: str) -> None:
        settings = get_object_or_404(
            AlertSettings.objects.select_related("workspace"), pk=object_id
        )
        tried = send_test(settings)
        for delivery, error in tried:
            told = {"to": delivery.recipient, "error": error}
            if error:
                messages.error(request, _("Not sent to %(to)s. %(error)s") % told)
            else:
                messages.success(request, _("Sent to %(to)s.") % told)
        if not tried:
            messages.warning(request, _("Nobody to tell: add an e-mail address or a webhook."))
