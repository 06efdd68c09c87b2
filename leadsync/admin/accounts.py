"""Admin pages of users, bots and groups."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Exists, ManyToManyField, OuterRef, QuerySet
from django.forms import Form
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from contacts import bulk, handoffs
from contacts.admin.members import HasMembers, MembershipInline
from contacts.models import Contact
from leadsync.admin.actions import dialog, dialog_action
from leadsync.admin.filters import AccountFilter
from leadsync.admin.html import ago, as_link, list_url, pill
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, column, computed
from leadsync.models import ApiKey
from leadsync.roles import in_words
from leadsync.second_factor import has_second_factor, switch_off

admin.site.unregister([User, Group, TOTPDevice, StaticDevice])


LAST_SUPERUSER = _(
    "This is the last superuser: make somebody else one first, or nobody can let people in."
)
WILL_SWITCH_OFF = _(
    "The log-in asks them for the password alone, until they set it up again. For somebody who has "
    "lost their phone and their recovery codes: make sure that it is them."
)


class ForSuperusers:
    """Lets only superusers view and change accounts, because accounts decide who may do what."""

    filter_horizontal = ()

    def visible_to(self, rows: Any, user: Any) -> Any:
        return rows

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest, **kwargs: Any
    ) -> Any:
        kwargs["widget"] = UnfoldAdminCheckboxSelectMultipleWidget()
        return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.is_superuser

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return self.has_module_permission(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


class AccountForm(UserChangeForm):
    """Keeps the last superuser: without one, nobody can let anybody in."""

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or self.cleaned_data
        rights = ("is_active", "is_staff", "is_superuser")
        lost = [name for name in rights if name in values and not values[name]]
        if lost and is_last_superuser(self.instance):
            self.add_error(lost[0], LAST_SUPERUSER)
        return values


def is_last_superuser(user: User) -> bool:
    superusers = User.objects.filter(is_superuser=True, is_active=True, is_staff=True)
    is_one = superusers.filter(pk=user.pk).exists()
    return is_one and not superusers.exclude(pk=user.pk).exists()


class WorkspacesInline(MembershipInline):
    """The same from the other side: where a person works."""

    verbose_name_plural = _("Workspaces")
    fields = ("workspace", "takes_leads", "last_given")
    ordering = ("workspace__name",)


@admin.register(User)
class UserAdmin(HasMembers, ForSuperusers, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]
    form = AccountForm
    actions_detail = ("switch_second_factor_off",)
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "account", "in_groups", "may_log_in", "last_seen")
    on_phone = TwoLines(who="username", told="in_groups", mark="account", when="last_seen")
    list_filter = (AccountFilter, ("groups", RelatedDropdownFilter))
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Personal info"), {"fields": ("first_name", "last_name", "email")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    readonly_fields = ("last_login", "date_joined")
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
            found[2].add(str(LAST_SUPERUSER))
        return found

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Who may not log in any more keeps no open lead."""
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
        self.log_change(request, user, "Switched the second factor off.")
        messages.success(request, _("The log-in asks them for the password alone now."))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer it where there is one."""
        user = self.get_object(request, str(object_id))
        offered = super().get_actions_detail(request, object_id)
        return offered if user and has_second_factor(user) else []

    @display(description=_("account"))
    def account(self, user: User) -> SafeString:
        if (invitation := getattr(user, "invitation", None)) and not invitation.joined_at:
            return pill(_("Invited, not yet joined"), "warning")
        if user.is_superuser:
            return pill(_("Superuser"), "danger")
        if user.is_staff:
            return pill(_("Staff"), "primary")
        if user.has_keys:  # type: ignore[attr-defined]
            return pill(_("Bot"), "info")
        return pill(_("No access"))

    in_groups = computed(
        _("groups"), lambda user: ", ".join(group.name for group in user.groups.all())
    )

    @display(description=_("active"), boolean=True, ordering="is_active")
    def may_log_in(self, user: User) -> bool:
        return user.is_active

    last_seen = column("last_login", _("last login"), ago, sortable=True, empty=_("Never"))


@admin.register(Group)
class GroupAdmin(ForSuperusers, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "members", "told")
    on_phone = TwoLines(who="name", told="told", mark="members")
    readonly_fields = ("told",)
    fieldsets = (
        (None, {"fields": ("name", "told")}),
        (_("Permissions"), {"fields": ("permissions",), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(member_count=Count("user"))

    told = computed(_("what they can do"), in_words)
    members = column("member_count", _("members"), sortable=True)
