"""Admin pages of users, bots and groups."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Exists, ManyToManyField, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RelatedDropdownFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from contacts.admin.members import HasMembers, MembershipInline
from leadsync.admin.filters import AccountFilter
from leadsync.admin.html import ago, pill
from leadsync.admin.tools import ModelAdmin, column, computed
from leadsync.models import ApiKey

admin.site.unregister([User, Group])


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


class WorkspacesInline(MembershipInline):
    """The same from the other side: where a person works."""

    verbose_name_plural = _("Workspaces")
    fields = ("workspace", "takes_leads", "last_given")
    ordering = ("workspace__name",)


@admin.register(User)
class UserAdmin(HasMembers, ForSuperusers, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "full_name", "account", "in_groups", "may_log_in", "last_seen")
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
        accounts = super().get_queryset(request)
        has_keys = Exists(ApiKey.objects.filter(user=OuterRef("pk")))
        return accounts.annotate(has_keys=has_keys).prefetch_related("groups")

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return [WorkspacesInline] if obj else []

    full_name = computed(_("name"), User.get_full_name)

    @display(description=_("account"))
    def account(self, user: User) -> SafeString:
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
    list_display = ("name", "members")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(member_count=Count("user"))

    members = column("member_count", _("members"), sortable=True)
