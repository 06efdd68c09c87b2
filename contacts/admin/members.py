"""The part of a workspace's page that says who works there."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.admin import TabularInline
from unfold.decorators import display

from contacts import bulk
from contacts.models import Membership, Workspace, colleagues_of
from leadsync.admin.html import ago
from leadsync.admin.tools import holds


class MembershipInline(TabularInline):
    """The members: whom leads can be assigned to, and who gets them by turns."""

    model = Membership
    verbose_name_plural = _("Members")
    fields = ("user", "takes_leads", "last_given")
    readonly_fields = ("last_given",)
    ordering = ("user__username",)
    extra = 0
    hide_title = True
    template = "leadsync/folded_inline.html"
    shape, rows_template = "tabular", "unfold/helpers/edit_inline/tabular_table.html"

    has_add_permission = has_change_permission = has_delete_permission = holds(
        "contacts.invite_member"
    )

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("contacts.view_workspace")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        members: QuerySet[Membership] = super().get_queryset(request)
        return members.select_related("user", "workspace")

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = colleagues_of(request.user).order_by("username")
        if db_field.name == "workspace":
            kwargs["queryset"] = Workspace.objects.visible_to(request.user)
        field: Any = super().formfield_for_foreignkey(db_field, request, **kwargs)
        if db_field.name == "user":
            field.label_from_instance = _named
        return field

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        widget = getattr(field.widget, "widget", field.widget)  # without the menu to edit the row
        widget.attrs["aria-label"] = capfirst(str(field.label))  # a column's head is no label
        field.widget = widget
        return field

    @display(description=_("last given a lead"))
    def last_given(self, member: Membership) -> str:
        if member.pk and member.last_given_at:
            return ago(member.last_given_at)
        return str(_("never"))


class HasMembers:
    """For pages with members: who leaves a workspace keeps no lead of it."""

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        super().save_formset(request, form, formset, change)  # type: ignore[misc]
        if formset.model is not Membership:
            return
        left, by = formset.deleted_objects, request.user.get_username()
        if count := sum(bulk.leave(one.workspace, one.user, by=by) for one in left):
            text = ngettext(
                "%d open lead is assigned to nobody now.",
                "%d open leads are assigned to nobody now.",
                count,
            )
            messages.warning(request, text % count)


def _named(user: User) -> str:
    name = user.get_full_name()
    return f"{name} ({user.username})" if name else user.username
