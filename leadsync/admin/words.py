"""What Django's pages say of a row that is added, saved or deleted, in our words."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import NestedObjects, model_ngettext
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import router
from django.db.models import Model, QuerySet
from django.db.models.fields import BLANK_CHOICE_DASH
from django.forms import SplitDateTimeField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import get_text_list
from django.utils.translation import gettext, ngettext_lazy
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action

from leadsync.admin.actions import confirm_selection, dialog, is_confirmed
from leadsync.admin.html import NOTHING, admin_link, ago, table

COUNTED: dict[str, Any] = {
    "admin.LogEntry": ngettext_lazy("%d line of the admin's log", "%d lines of the admin's log"),
    "contacts.Assignment": ngettext_lazy("%d change of owner", "%d changes of owner"),
    "contacts.Membership": ngettext_lazy("%d membership", "%d memberships"),
    "contacts.StatusChange": ngettext_lazy("%d change of status", "%d changes of status"),
}
"""How a person counts the rows of a model, where its own name does not say it."""
NOT_TOLD = {
    "leadsync.Dismissal",
    "leadsync.LogIn",
    "monitoring.LeadEvent",
    "monitoring.LeadMessage",
    "monitoring.NotificationPreferences",
    "otp_static.StaticDevice",
    "otp_static.StaticToken",
    "otp_totp.TOTPDevice",
}
"""Rows that are a part of what is deleted, and not told of."""


class InWords:
    """For every page of the admin."""

    def when_deleted(self, rows: QuerySet) -> object:
        """Return what else somebody should know before these rows are deleted."""
        return ""

    def formfield_for_dbfield(self, *args: Any, **kwargs: Any) -> Any:
        """Let a row be deleted on its own page alone, which says what goes along. Say whose time it
        is, which Django says by a warning where the browser has another, and what a dash asks."""
        field = super().formfield_for_dbfield(*args, **kwargs)  # type: ignore[misc]
        if isinstance(getattr(field, "widget", None), RelatedFieldWidgetWrapper):
            field.widget.can_delete_related = False
        if getattr(field, "empty_label", None) == BLANK_CHOICE_DASH[0][1]:
            field.empty_label = _("Choose")
        if isinstance(field, SplitDateTimeField):
            city = timezone.get_current_timezone_name().rpartition("/")[2].replace("_", " ")
            told = _("In the time of %s.") % city
            field.help_text = f"{field.help_text} {told}".strip()
        return field

    def response_add(self, request: HttpRequest, obj: Any, *args: Any) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, obj, *args)  # type: ignore[misc]
        messages.success(request, format_html("{} {}", _("Added:"), admin_link(obj)))
        if "_continue" in request.POST:
            return HttpResponseRedirect(_page_of(obj))
        return self.response_post_save_add(request, obj)  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_change(request, obj)  # type: ignore[misc]
        messages.success(request, format_html("{} {}", _("Saved:"), admin_link(obj)))
        return self.response_post_save_change(request, obj)  # type: ignore[attr-defined]

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        messages.success(request, format_html("{} {}", _("Deleted:"), obj_display))
        return self.response_post_save_change(request, None)  # type: ignore[attr-defined]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what goes along, counted by kind in words, for what Django names row by row."""
        collector: Any = NestedObjects(using=router.db_for_write(self.model), origin=objs)  # type: ignore[attr-defined]
        collector.collect(objs)
        site: Any = self.admin_site  # type: ignore[attr-defined]
        refused = {
            str(model._meta.verbose_name_plural)
            for model, rows in collector.model_objs.items()
            if site.is_registered(model) and model._meta.label not in NOT_TOLD
            for row in rows
            if not site.get_model_admin(model).has_delete_permission(request, row)
        }
        goes = Counter({model: len(rows) for model, rows in collector.model_objs.items()})
        goes[self.model] -= len(objs)  # type: ignore[attr-defined]
        keeps = _counted(Counter(type(row) for row in collector.protected))
        why = _("First delete or move what belongs to it: %s.") % _listed(keeps)
        return _counted(goes), {}, refused, [why] if keeps else []

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        row = context["object"]
        return _ask(
            self,
            request,
            type(row)._base_manager.filter(pk=row.pk),
            title=_("Delete %s?") % row,
            found=[context[name] for name in ("deleted_objects", "perms_lacking", "protected")],
            cancel_url=_page_of(row),
        )

    def history_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        page: Any = super().history_view(request, *args, **kwargs)  # type: ignore[misc]
        if context := getattr(page, "context_data", None):
            context["title"] = gettext("History of %s") % context["object"]
            context["told"] = table(
                (_("when"), _("who"), _("what")),
                (
                    (
                        ago(entry.action_time),
                        entry.user.get_full_name() or entry.user.username,
                        gettext(entry.get_change_message()),
                    )
                    for entry in context["action_list"]
                ),
            )
        return page


@action(permissions=["delete"], description=_("Delete selected %(verbose_name_plural)s"))
def delete_selected(page: Any, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
    """In place of Django's, which asks by naming each row that goes along."""
    count = queryset.count()
    kind = model_ngettext(page.opts, count)
    goes, _none, refused, protected = page.get_deleted_objects(queryset, request)
    if not is_confirmed(request) or protected:
        return _ask(
            page,
            request,
            queryset,
            title=_("Delete %(count)d %(kind)s?") % {"count": count, "kind": kind},
            found=(goes, refused, protected),
            cancel_url=request.get_full_path(),
        )
    if refused:
        raise PermissionDenied
    page.log_deletions(request, queryset)
    page.delete_queryset(request, queryset)
    messages.success(request, f"{gettext('Deleted:')} {count} {kind}")
    return None


admin.site.add_action(delete_selected)
admin.site.empty_value_display = NOTHING


def _ask(
    page: Any,
    request: HttpRequest,
    rows: QuerySet,
    *,
    title: object,
    found: Sequence[Any],
    cancel_url: str,
) -> HttpResponse:
    """Ask whether to delete these rows, or say why they cannot be."""
    goes, refused, protected = found
    if refused or protected:
        context = {
            **page.admin_site.each_context(request),
            "title": title,
            "opts": page.opts,
            "refused": refused,
            "protected": protected,
            "cancel_url": cancel_url,
        }
        return TemplateResponse(request, "leadsync/cannot_delete.html", context)
    told = [gettext("This cannot be undone.")]
    if goes:
        told = [gettext("Deleted as well: %s. This cannot be undone.") % _listed(goes)]
    told += filter(None, [page.when_deleted(rows)])
    return confirm_selection(
        page,
        request,
        rows if rows.count() > 1 else rows.none(),  # the question names one by itself
        dialog(title, " ".join(map(str, told)), button=_("Delete for good"), destroys=True),
        action="delete_selected",
        cancel_url=cancel_url,
    )


def _counted(numbers: Counter[type[Model]]) -> list[str]:
    """Return these numbers in words: “3 notes”."""
    return [
        str(COUNTED[model._meta.label] % number)
        if model._meta.label in COUNTED
        else f"{number} {model_ngettext(model._meta, number)}"
        for model, number in numbers.most_common()
        if number and not model._meta.auto_created and model._meta.label not in NOT_TOLD
    ]


def _listed(words: list[str]) -> str:
    return get_text_list(words, gettext("and"))


def _page_of(row: Model) -> str:
    options = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
