"""The part of a form that says where a webhook goes: with a header whose value is never shown."""

from typing import Any

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordWidget

from monitoring.models.webhooks import MAX_HEADER_VALUE
from monitoring.webhooks import validate_header_value

HOW_TO_VERIFY = _(
    "How a receiver knows that a message is ours: X-LeadSync-Signature is “sha256=” and the "
    "HMAC-SHA256 in hex, with this secret, of X-LeadSync-Timestamp, a full stop and the body as "
    "received. Refuse timestamps that are more than five minutes old."
)


class WebhookFields(forms.ModelForm):
    header_value = forms.CharField(
        label=_("Value of the header"),
        required=False,
        max_length=MAX_HEADER_VALUE,
        validators=[validate_header_value],
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kept := len(self.instance.webhook_header_value):
            self.fields["header_value"].help_text = (
                _("A value of %d characters is kept and never shown. Empty: leave it as it is.")
                % kept
            )
        else:
            self.fields["header_value"].help_text = _("It is not shown again.")

    def clean(self) -> dict[str, Any]:
        """A value that is kept goes to nobody else: with a new address it has to be typed anew."""
        told: dict[str, Any] = super().clean() or self.cleaned_data
        typed, url = told.get("header_value", ""), told.get("webhook_url", "")
        kept = "" if "webhook_url" in self.changed_data else self.instance.webhook_header_value
        if told.get("webhook_header"):
            if not url.startswith("https://"):
                self.add_error("webhook_header", _("Only for a webhook with https://."))
            if not (typed or kept):
                self.add_error("header_value", _("Write the value for this webhook."))
        told["header_value"] = (typed or kept) if told.get("webhook_header") else ""
        return told


def shown_secret(secret: str) -> SafeString:
    return format_html(
        '<code class="ls-wrap">{}</code><p class="ls-hint">{}</p>', secret, HOW_TO_VERIFY
    )
