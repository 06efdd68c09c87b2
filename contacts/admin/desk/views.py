"""Saved views of the list of leads: kept, shared with a workspace, removed."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from contacts.admin.fields import LineField
from contacts.models import MAX_QUERY, MAX_VIEW_NAME, MAX_VIEWS, SavedView, Workspace

NOT_KEPT = ("saved", "p", "e")


def view_links(request: HttpRequest) -> list[dict[str, Any]]:
    current = request.GET.get("saved", "")
    views = SavedView.objects.usable_by(request.user)[:MAX_VIEWS]
    return [
        {
            "pk": view.pk,
            "name": view.name,
            "link": f"?saved={view.pk}&{view.query}",
            "icon": "group" if view.shared_in_id else "bookmark",
            "is_own": view.owner_id == request.user.pk,
            "is_current": str(view.pk) == current,
        }
        for view in views
    ]


class ViewForm(forms.Form):
    name = LineField(max_length=MAX_VIEW_NAME)
    query = forms.CharField(max_length=MAX_QUERY, required=False)
    shared_in = forms.ModelChoiceField(Workspace.objects.none(), required=False)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workspaces: Any = self.fields["shared_in"]
        workspaces.queryset = Workspace.objects.visible_to(user)

    def clean_query(self) -> str:
        asked = parse_qsl(self.cleaned_data["query"].removeprefix("?"))
        return urlencode([(name, value) for name, value in asked if name not in NOT_KEPT])


class SavedViews:
    """Adds what the panel of views posts to."""

    def get_urls(self) -> list[URLPattern]:
        admin_view: Any = self.admin_site.admin_view  # type: ignore[attr-defined]
        save, forget = require_POST(self.save_view), require_POST(self.forget_view)
        return [
            path("views/", admin_view(save), name="contacts_contact_save_view"),
            path("views/<int:view>/", admin_view(forget), name="contacts_contact_forget_view"),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def save_view(self, request: HttpRequest) -> HttpResponse:
        """Keep the list as it is; a view of the same name is replaced."""
        if not self.has_view_permission(request):  # type: ignore[attr-defined]
            raise PermissionDenied
        form, own = ViewForm(request.POST, user=request.user), self._own(request)
        if not form.is_valid():
            return _refuse(request, form)
        asked = form.cleaned_data
        if own.count() >= MAX_VIEWS and not own.filter(name=asked["name"]).exists():
            form.add_error(None, ValidationError(_("Keep at most %d views.") % MAX_VIEWS))
            return _refuse(request, form)
        view, _made = SavedView.objects.update_or_create(
            owner=request.user,
            name=asked["name"],
            defaults={"query": asked["query"], "shared_in": asked["shared_in"]},
        )
        messages.success(request, _("The view “%s” is saved.") % view.name)
        return HttpResponseRedirect(f"{_list_url()}?saved={view.pk}&{view.query}")

    def forget_view(self, request: HttpRequest, view: int) -> HttpResponse:
        gone = get_object_or_404(self._own(request), pk=view)
        gone.delete()
        messages.success(request, _("The view “%s” is removed.") % gone.name)
        return HttpResponseRedirect(_list_url())

    def _own(self, request: HttpRequest) -> Any:
        return SavedView.objects.filter(owner=request.user.pk)


def _refuse(request: HttpRequest, form: forms.Form) -> HttpResponse:
    for errors in form.errors.values():
        messages.error(request, str(errors[0]))
    return HttpResponseRedirect(_list_url())


def _list_url() -> str:
    return reverse("admin:contacts_contact_changelist")
