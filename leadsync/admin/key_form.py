"""The form of an API key: whose it is, what it may do, where and how long."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from leadsync.bots import BotError, check_name
from leadsync.models import ApiKey, Scope


class KeyForm(forms.ModelForm):
    bot_name = forms.CharField(
        label=_("Bot"),
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Such as sarah-bot. The account is created if there is none of this name."),
    )
    scopes = forms.MultipleChoiceField(
        label=_("May"), widget=UnfoldAdminCheckboxSelectMultipleWidget, choices=Scope.choices
    )

    class Meta:
        model = ApiKey
        fields: list[str] = []  # the admin names them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            del self.fields["bot_name"]
        if "scopes" in self.fields:
            self.initial["scopes"] = self.instance.scopes.split()

    def clean_bot_name(self) -> str:
        name = self.cleaned_data["bot_name"].strip()
        try:
            check_name(name)
        except BotError as error:
            raise ValidationError(gettext(error.sentence) % error.params) from None
        return name

    def clean_scopes(self) -> str:
        chosen = self.cleaned_data["scopes"]
        return " ".join(scope for scope in Scope if scope in chosen)

    def clean_expires_at(self) -> Any:
        when = self.cleaned_data["expires_at"]
        if when and "expires_at" in self.changed_data and when <= timezone.now():
            raise ValidationError(_("Choose a time to come. To end the key now, revoke it."))
        return when
