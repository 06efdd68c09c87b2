"""The pages of roles, and who sees pages of accounts at all."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import Count, ManyToManyField, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, ReadOnly, column, computed
from leadsync.roles import RIGHTS, in_words, right_in_words
from monitoring.models import NotificationPreferences

admin.site.unregister(Group)

OTHERS = (User, Group, NotificationPreferences)
"""Whose pages nobody is given a right to."""


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


class RoleForm(forms.ModelForm):
    """Shows the rights that decide something in LeadSync; a role keeps what else it has."""

    class Meta:
        labels = {"name": _("Name"), "permissions": _("What they can do")}
        help_texts = {"permissions": ""}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rights: Any = self.fields["permissions"]
        rights.queryset = self.shown = (
            Permission.objects.filter(_of_pages() | Q(codename__in=RIGHTS))
            .select_related("content_type")
            .order_by("content_type__app_label", "content_type__model", "pk")
        )
        rights.label_from_instance = right_in_words

    def clean_permissions(self) -> list[Permission]:
        held = self.instance.permissions.all() if self.instance.pk else Permission.objects.none()
        return [*self.cleaned_data["permissions"], *held.exclude(pk__in=self.shown)]


def _of_pages() -> Q:
    """The rights to each page of ours; what only LeadSync writes, people may no more than see."""
    pages = {model: page for model, page in admin.site._registry.items() if model not in OTHERS}
    types = ContentType.objects.get_for_models(*pages, for_concrete_models=False)
    read_only = [types[model] for model, page in pages.items() if isinstance(page, ReadOnly)]
    can = ~Q(content_type__in=read_only) | Q(codename__startswith="view_")
    return Q(content_type__in=types.values()) & can


# Django's groups are our roles, and nothing else.
Group._meta.verbose_name, Group._meta.verbose_name_plural = _("role"), _("roles")
User._meta.get_field("groups").verbose_name = _("role")


@admin.register(Group)
class GroupAdmin(ForSuperusers, DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    form = RoleForm
    list_display = ("name", "members", "told")
    on_phone = TwoLines(who="name", told="told", mark="members")
    readonly_fields = ("told",)
    fieldsets = (
        (None, {"fields": ("name", "told")}),
        (_("Right by right"), {"fields": ("permissions",), "classes": ("collapse",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        return super().get_queryset(request).annotate(member_count=Count("user"))

    def when_deleted(self, rows: Any) -> object:
        count = User.objects.filter(groups__in=rows).distinct().count()
        text = ngettext(
            "%d person has this role, and can do nothing any more without another.",
            "%d people have this role, and can do nothing any more without another.",
            count,
        )
        return text % count if count else ""

    told = computed(_("what they can do"), in_words)
    members = column("member_count", _("members"), sortable=True)
