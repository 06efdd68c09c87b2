"""People whom a search finds who wrote to Sarah and are no leads yet, and one click adds."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from contacts.addresses import is_user_id
from contacts.models import Contact
from contacts.phones import search_range
from leadsync.admin.actions import tell_retried
from sarah.models import SarahState, SarahStateQuerySet
from sarah.strangers import add_all

SHOWN = 5
LOOKED_AT = 2000
"""Of the newest of them the name is looked at: it is only in what Sarah learned."""


def strangers_named(typed: str, request: HttpRequest) -> list[SarahState]:
    """Return some people who are no leads yet, by phone in any spelling, id, or name."""
    if not request.user.has_perm("sarah.view_sarahstate"):
        return []
    typed = typed.replace("\x00", "").strip()
    visible = SarahState.objects.visible_to(request.user)
    found = _named(visible.strangers(), typed).select_related("workspace")
    return list(found.order_by("-pk")[:SHOWN])


def _named(strangers: SarahStateQuerySet, typed: str) -> SarahStateQuerySet:
    if bounds := search_range(typed, region=settings.LEADSYNC_DEFAULT_REGION):
        return strangers.filter(contact_phone__range=bounds)
    if is_user_id(typed):
        return strangers.filter(business_scoped_user_id=typed)
    newest = strangers.order_by("-pk").values("pk")[:LOOKED_AT]
    named = SarahState.objects.filter(pk__in=newest)
    return named.filter(extracted_data__name__icontains=typed)


class AddStrangers:
    """Adds what the button *Add* posts to."""

    def get_urls(self) -> list[URLPattern]:
        admin_view: Any = self.admin_site.admin_view  # type: ignore[attr-defined]
        view = admin_view(require_POST(self.add_stranger))
        page = path("people/<int:person>/", view, name="contacts_contact_add_stranger")
        return [page, *super().get_urls()]  # type: ignore[misc]

    def add_stranger(self, request: HttpRequest, person: int) -> HttpResponse:
        """Make a lead of this person, with what Sarah knows, and show it."""
        may_add = self.has_add_permission(request)  # type: ignore[attr-defined]
        if not (may_add and request.user.has_perm("sarah.view_sarahstate")):
            raise PermissionDenied
        visible = SarahState.objects.visible_to(request.user).filter(pk=person)
        stranger = get_object_or_404(visible, workspace__isnull=False)
        tried = add_all(visible, by=request.user.get_username())
        lead = Contact.objects.at(stranger.who).filter(workspace=stranger.workspace_id).first()
        if lead is None:
            tell_retried(request, tried)
            return HttpResponseRedirect(reverse("admin:contacts_contact_changelist"))
        messages.success(request, _("%s is a lead now.") % lead)
        return HttpResponseRedirect(reverse("admin:contacts_contact_change", args=[lead.pk]))
