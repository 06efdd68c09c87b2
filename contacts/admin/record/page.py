"""The page of a lead."""

from functools import partial
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse

from contacts.admin.next_step import SOON, morning, when_due
from contacts.admin.record.banners import banners_of
from contacts.admin.record.facts import groups_of
from contacts.admin.record.heading import heading_of, standing_of
from contacts.admin.record.neighbours import FILTERS, Rows, neighbours_of
from contacts.admin.record.reading import Known, read
from contacts.admin.record.timeline import TABS, timeline_of
from contacts.admin.record.words import name_of
from contacts.admin.record.writes import visible_leads
from contacts.models import Contact, NoteKind
from contacts.workflow import ArchiveReason, LeadStatus
from leadsync.admin.filters import row_id
from leadsync.admin.html import ago, standing_pill, temperature_pill
from leadsync.admin.live import answer, is_live, version_of


class RecordPage:
    """Shows the record in the place of Django's form."""

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        lead = visible_leads(self, request).filter(pk=row_id(object_id)).first()
        if not self.has_view_or_change_permission(request, lead):  # type: ignore[attr-defined]
            raise PermissionDenied
        if lead is None:
            options = Contact._meta
            return self._get_obj_does_not_exist_redirect(request, options, object_id)  # type: ignore[attr-defined]
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return self._record(request, lead)

    def _record(self, request: HttpRequest, lead: Contact) -> HttpResponse:
        tab, before = request.GET.get("tab", ""), request.GET.get("before", "")
        timeline = timeline_of(lead, tab=tab, before=before)
        kept = {"filters": request.GET.get(FILTERS, "")}
        if before and "HX-Request" in request.headers:
            context = {"lead": lead, "timeline": timeline, **kept}
            return TemplateResponse(request, "contacts/record/entries.html", context)
        known = read(lead, request.user)
        may_change = self.has_change_permission(request, lead)  # type: ignore[attr-defined]
        shown = {
            **_in_words(known),
            "heading": heading_of(known),
            "banners": banners_of(known, request, may_change=may_change),
            "groups": groups_of(known),
            "timeline": timeline,
        }
        render = partial(self._record_page, request, known, shown, may_change=may_change, **kept)
        if is_live(request):
            return answer(request, version_of(lead, known.step, shown), render)
        return render()

    def _record_page(
        self,
        request: HttpRequest,
        known: Known,
        shown: dict[str, Any],
        *,
        may_change: bool,
        **kept: object,
    ) -> HttpResponse:
        lead = known.lead
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "is_live": "parts",
            "title": str(lead),
            "opts": Contact._meta,
            "original": lead,
            "lead": lead,
            "known": known,
            "tabs": TABS,
            "neighbours": neighbours_of(self, request, lead.pk),
            "may_change": may_change,
            "menu": self._menu(request, known),
            "reasons": ArchiveReason.choices,
            "statuses": LeadStatus.choices if request.user.is_superuser else [],
            "note_kinds": NoteKind.choices,
            "may_delete": self.has_delete_permission(request, lead),  # type: ignore[attr-defined]
            **shown,
            **kept,
        }
        return TemplateResponse(request, "contacts/record/record.html", context)

    def _menu(self, request: HttpRequest, known: Known) -> list[Any]:
        """What is done seldom."""
        page: Any = self
        allowed = page.get_actions_detail(request, known.lead.pk)
        if known.lead.is_paused:
            allowed = [action for action in allowed if action.path != "take-over"]
        return page._get_actions_navigation(page.actions_detail, allowed, str(known.lead.pk))

    def rows_of_list(self, request: HttpRequest) -> Any:
        """The rows of the list that this request asks for, in its order."""
        request.only_rows = True  # type: ignore[attr-defined]
        return self.get_changelist_instance(request).queryset  # type: ignore[attr-defined]

    def get_changelist(self, request: HttpRequest, **kwargs: object) -> Any:
        if getattr(request, "only_rows", False):
            return Rows
        return super().get_changelist(request, **kwargs)  # type: ignore[misc]


def _in_words(known: Known) -> dict[str, object]:
    lead, owner, step = known.lead, known.lead.assigned_to, known.step
    return {
        "owner": name_of(owner),
        "standing": standing_pill(standing_of(lead)),
        "temperature": temperature_pill(lead.lead_temperature),
        "added": ago(lead.created_at),
        "active": ago(lead.last_activity_at),
        "answered": ago(lead.answered_at) if lead.answered_at else "",
        "contacted": ago(lead.last_contact_at) if lead.last_contact_at else "",
        "due": when_due(step) if step else "",
        "soon": [(when.value, label, morning(lead, when)) for when, label in SOON.items()],
    }
