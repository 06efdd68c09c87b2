"""The forms of a person's account, in words for whoever runs the shop."""

from typing import Any

from django import forms
from django.contrib.auth.forms import UserChangeForm
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _
from unfold.forms import UserCreationForm

from leadsync.admin.passwords import WithPassword
from leadsync.roles import with_words

LAST_SUPERUSER = _(
    "This is the last superuser: make somebody else one first, or nobody can let people in."
)


class _Words:
    labels = {
        "username": _("User name"),
        "first_name": _("First name"),
        "last_name": _("Last name"),
        "email": _("E-mail"),
        "is_active": _("May log in"),
        "is_staff": _("A person"),
        "is_superuser": _("May do everything"),
    }
    help_texts = {
        "username": _("What they type to log in: letters, digits and @ . + - _"),
        "email": _("Links to choose a password and notifications go there."),
        "groups": "",
        "is_active": _(
            "Switch it off when somebody leaves: their open leads are nobody's then, and what they "
            "wrote stays."
        ),
        "is_staff": _("Opens these pages. A bot does not: it has keys."),
        "is_superuser": _("Sees all workspaces, invites people, and decides who may do what."),
    }


class _AboutPerson(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles: Any = self.fields["groups"]
        roles.label_from_instance = with_words
        roles.widget = roles.widget.widget  # without the menu that edits a role
        roles.widget.choices = roles.choices


class AccountForm(_AboutPerson, UserChangeForm):
    """Keeps the last superuser: without one, nobody can let anybody in."""

    password = None  # type: ignore[assignment]

    class Meta(_Words, UserChangeForm.Meta):  # type: ignore[name-defined]
        pass

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        rights = ("is_active", "is_staff", "is_superuser")
        lost = [name for name in rights if name in values and not values[name]]
        if lost and is_last_superuser(self.instance):
            self.add_error(lost[0], LAST_SUPERUSER)
        return values


class NewAccountForm(WithPassword, _AboutPerson, UserCreationForm):
    class Meta(_Words, UserCreationForm.Meta):
        pass


def is_last_superuser(user: User) -> bool:
    superusers = User.objects.filter(is_superuser=True, is_active=True, is_staff=True)
    is_one = superusers.filter(pk=user.pk).exists()
    return is_one and not superusers.exclude(pk=user.pk).exists()
