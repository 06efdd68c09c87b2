"""Admin pages of users and bots."""

from functools import partial
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop, ngettext
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display

from contacts import bulk, handoffs
from contacts.admin.members import HasMembers, MembershipInline
from contacts.models import Contact
from leadsync.admin import invite
from leadsync.admin.account_forms import (
    LAST_SUPERUSER,
    AccountForm,
    NewAccountForm,
    is_last_superuser,
)
from leadsync.admin.actions import dialog, dialog_action
from leadsync.admin.filters import AccountFilter
from leadsync.admin.html import ago, as_link, list_url, pill
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.passwords import ChosenPasswordForm
from leadsync.admin.roles import ForSuperusers
from leadsync.admin.tools import ModelAdmin, column, computed
from leadsync.invitations import send_new_password
from leadsync.models import ApiKey
from leadsync.second_factor import has_second_factor, switch_off

admin.site.unregister([User, TOTPDevice, StaticDevice])


WILL_SWITCH_OFF = _(
    "The log-in asks them for the password alone, until they set it up again. For somebody who has "
    "lost their phone and their recovery codes: make sure that it is them."
)
WILL_SEND = _(
    "They get a mail with a link to choose a new password. Until they do, the old one works."
)


PERSON = ("first_name", "last_name", "email")


class WorkspacesInline(MembershipInline):
    """The same from the other side: where a person works."""

    verbose_name, verbose_name_plural = _("workspace"), _("Workspaces")
    fields = ("workspace", "takes_leads", "last_given")
    ordering = ("workspace__name",)
    is_open = True


@admin.register(User)
class UserAdmin(HasMembers, ForSuperusers, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]
    form, add_form = AccountForm, NewAccountForm
    change_password_form = ChosenPasswordForm
    actions_detail = ("send_new_password", "switch_second_factor_off")
    list_display = ("username", "full_name", "account", "in_groups", "may_log_in", "last_seen")
    on_phone = TwoLines(who="username", told="in_groups", mark="account", when="last_seen")
    list_filter = (AccountFilter, ("groups", RelatedDropdownFilter))
    fieldsets = (
        (_("Who it is"), {"fields": ("username", *PERSON, "password_told")}),
        (_("What they can do"), {"fields": ("is_active", "groups", "is_superuser")}),
        (_("More"), {"fields": ("is_staff", "last_seen", "added"), "classes": ("collapse",)}),
    )
    add_fieldsets = (
        (_("Who it is"), {"fields": ("username", *PERSON)}),
        (_("What they can do"), {"fields": ("groups",)}),
        (_("Password"), {"fields": ("password1", "password2")}),
    )
    readonly_fields = ("password_told", "last_seen", "added")
    search_help_text = _("Username, name or e-mail")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        accounts = super().get_queryset(request).select_related("invitation")
        has_keys = Exists(ApiKey.objects.filter(user=OuterRef("pk")))
        return accounts.annotate(has_keys=has_keys).prefetch_related("groups")

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return [WorkspacesInline] if obj else []

    full_name = computed(_("name"), User.get_full_name)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not (obj and is_last_superuser(obj))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say so where many are deleted at once and the last superuser is among them."""
        found = super().get_deleted_objects(objs, request)
        left = User.objects.filter(is_superuser=True, is_active=True, is_staff=True)
        if not left.exclude(pk__in=[one.pk for one in objs]).exists():
            found[3].append(str(LAST_SUPERUSER))
        return found

    def when_deleted(self, rows: Any) -> object:
        return _(
            "Their leads are nobody's then. To only keep somebody out, switch “May log in” off "
            "instead."
        )

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Who is added here opens these pages; who may not log in any more keeps no open lead."""
        obj.is_staff |= not change
        super().save_model(request, obj, form, change)
        is_gone = change and not (obj.is_active and obj.is_staff)
        if is_gone and (count := handoffs.free(obj)):
            text = ngettext(
                "%d open lead of theirs is nobody's now.",
                "%d open leads of theirs are nobody's now.",
                count,
            )
            url = list_url("contacts_contact", assigned="nobody")
            told = format_html("{} {}", text % count, as_link(url, _("Give them to somebody")))
            messages.warning(request, told)

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        self.delete_queryset(request, User.objects.filter(pk=obj.pk))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Their leads are nobody's from now on, with a line in the history of each."""
        for person in queryset:
            leads = Contact.objects.filter(assigned_to=person)
            bulk.assign(leads, None, by=request.user.get_username())
        super().delete_queryset(request, queryset)

    @dialog_action(
        description=_("Send a link to set a new password"),
        permissions=["change"],
        url_path="send-new-password",
        icon="mail",
        dialog=dialog(_("Send a link?"), WILL_SEND, button=_("Send the link")),
    )
    def send_new_password(self, request: HttpRequest, form: Form, object_id: str) -> None:
        user, boss = self.get_row_or_404(request, object_id), cast(User, request.user)
        if is_invited(user):
            invite.send(request, user.invitation)
        else:
            by = boss.get_full_name() or boss.get_username()
            invite.send_link(request, user, partial(send_new_password, user, by=by))
            self.log_change(request, user, gettext_noop("Sent a link to set a new password."))

    @dialog_action(
        description=_("Switch the second factor off"),
        permissions=["change"],
        url_path="second-factor-off",
        icon="phonelink_erase",
        dialog=dialog(
            _("Switch the second factor off?"),
            WILL_SWITCH_OFF,
            button=_("Switch off"),
            destroys=True,
        ),
    )
    def switch_second_factor_off(self, request: HttpRequest, form: Form, object_id: str) -> None:
        user = self.get_row_or_404(request, object_id)
        switch_off(user)
        self.log_change(request, user, gettext_noop("Switched the second factor off."))
        messages.success(request, _("The log-in asks them for the password alone now."))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer what this account can use: a mail needs an address."""
        user = self.get_object(request, str(object_id))
        can_use = {
            "send_new_password": user and user.email and user.is_active and user.is_staff,
            "switch_second_factor_off": user and has_second_factor(user),
        }
        offered = super().get_actions_detail(request, object_id)
        return [one for one in offered if can_use.get(one.method.original_function_name, True)]

    @display(description=_("account"))
    def account(self, user: User) -> SafeString:
        if is_invited(user):
            return pill(_("Invited, not yet joined"), "warning")
        if user.is_superuser:
            return pill(_("Superuser"), "danger")
        if user.is_staff:
            return pill(_("Staff"), "primary")
        if user.has_keys:  # type: ignore[attr-defined]
            return pill(_("Bot"), "info")
        return pill(_("No access"))

    in_groups = computed(
        _("role"), lambda user: ", ".join(group.name for group in user.groups.all())
    )

    @display(description=_("May log in"), boolean=True, ordering="is_active")
    def may_log_in(self, user: User) -> bool:
        return user.is_active

    @display(description=_("password"))
    def password_told(self, user: User) -> object:
        if user.has_keys:  # type: ignore[attr-defined]
            return _("None: a bot logs in with its keys.")
        told = _("None yet: they have not used the link of their invitation.")
        if user.has_usable_password():
            told = _("They have one, which nobody can read.")
        elif not is_invited(user):
            told = _("None yet.")
        return format_html("{} {}", told, as_link("../password/", _("Set one for them")))

    added = column("date_joined", _("added"), ago)
    last_seen = column("last_login", _("last login"), ago, sortable=True, empty=_("Never"))


def is_invited(user: User) -> bool:
    """Whether they have been invited and have not come yet."""
    invitation = getattr(user, "invitation", None)
    return bool(invitation and not invitation.joined_at)
