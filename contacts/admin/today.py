"""The page *Today*: whom to call first. It is a tab of the list of leads."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse


class TodayPage:
    """Adds its address: the sidebar, mails and bookmarks know it."""

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.today)  # type: ignore[attr-defined]
        page = path("today/", view, name="contacts_contact_today")
        return [page, *super().get_urls()]  # type: ignore[misc]

    def today(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("contacts.view_contact"):
            raise PermissionDenied
        whose = "&whose=me" if request.GET.get("whose") == "me" else ""
        return HttpResponseRedirect(
            f"{reverse('admin:contacts_contact_changelist')}?tab=today{whose}"
        )
