"""Admin pages of leads: the list, and the page of one lead."""

from dataclasses import replace
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin
from django.db import IntegrityError, models
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    RangeNumericFilter,
)
from unfold.widgets import UnfoldAdminTextareaWidget

from contacts.admin.actions import ACTIONS
from contacts.admin.desk.board import Board
from contacts.admin.desk.page import Desk
from contacts.admin.desk.strangers import AddStrangers
from contacts.admin.desk.views import SavedViews
from contacts.admin.exporting import export_csv, export_xlsx
from contacts.admin.fields import BlockField, LineField
from contacts.admin.filters import (
    ActiveFilter,
    AddedFilter,
    AssignedFilter,
    ClockFilter,
    HandedOverFilter,
    HotFilter,
    MovedFilter,
    ReachedFilter,
    SourceFilter,
    StaleFilter,
    StandingFilter,
    StatusFilter,
    StepFilter,
    WonFilter,
)
from contacts.admin.forms import NewLeadForm, own_field
from contacts.admin.importing import ImportPages
from contacts.admin.merges import MergePages, SuggestionFilter, merge_two
from contacts.admin.next_step import NextStep
from contacts.admin.reaching_out import ReachingOut
from contacts.admin.record.editing import FactsPage
from contacts.admin.record.page import RecordPage
from contacts.admin.record.writes import RecordWrites
from contacts.admin.takeover import TakeOver
from contacts.bulk import batches
from contacts.models import (
    HOLDABLE,
    Contact,
    ContactQuerySet,
    Workspace,
    colleagues_of,
    who_may_see,
)
from contacts.workflow import LeadStatus
from leadsync.admin.filters import WorkspaceFilter
from leadsync.admin.healed import TellsHealed
from leadsync.admin.people import PersonActions
from leadsync.admin.tools import ModelAdmin, holds
from leadsync.infra.db import past_races
from sarah.models import SarahState

REASONS = ("archive_reason", "reason")
NEW_WHO = (
    ("phone", "name"),
    ("workspace", "assigned_to"),
    ("language", "email"),
    ("source", "tags"),
)
NEW_STANDING = (
    ("lead_temperature", "lead_score"),
    ("lead_status", "business_scoped_user_id"),
    REASONS,
)
ADDED = "Added with this status."
FACTS = (
    ("business_type", "team_size"),
    ("location", "business_duration"),
    ("priority", "urgency_level"),
    ("pain_points", "goals"),
    ("interest_motivation", "objection"),
    ("closing_technique",),
    ("story",),
)
CLEANED = {
    models.CharField: {"form_class": LineField},
    models.TextField: {
        "form_class": BlockField,
        "widget": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    },
}


@admin.register(Contact)
class ContactAdmin(
    ImportPages,
    MergePages,
    NextStep,
    TakeOver,
    ReachingOut,
    RecordPage,
    FactsPage,
    RecordWrites,
    Desk,
    SavedViews,
    AddStrangers,
    Board,
    PersonActions,
    TellsHealed,
    ModelAdmin,
):
    form = NewLeadForm
    actions_detail = (
        *("take_this_over", "merge_this", "undo_merge"),
        *("export_this", "erase_this"),
    )
    formfield_overrides = CLEANED
    actions = [*ACTIONS, merge_two, export_csv, export_xlsx]
    actions_list = ("import_page",)
    has_export_leads_permission = holds("contacts.export_contact")
    search_fields = ["name"]  # what switches the search on; get_search_results does it
    search_help_text = _("Name, business type, WhatsApp user name or id, or phone in any spelling")
    list_filter = [
        HotFilter,
        StandingFilter,
        ("lead_status", StatusFilter),
        ("lead_temperature", ChoicesCheckboxFilter),
        ("lead_score", RangeNumericFilter),
        AssignedFilter,
        ClockFilter,
        StaleFilter,
        ("workspace", WorkspaceFilter),
        StepFilter,
        SourceFilter,
        ActiveFilter,
        MovedFilter,
        AddedFilter,
        HandedOverFilter,
        WonFilter,
        ReachedFilter,
        SuggestionFilter,
        ("opted_out", BooleanRadioFilter),
    ]
    # The list

    def get_queryset(self, request: HttpRequest) -> ContactQuerySet:
        leads: ContactQuerySet = super().get_queryset(request)
        return leads.with_standing().select_related("workspace", "assigned_to")

    def get_search_results(
        self, request: HttpRequest, queryset: ContactQuerySet, search_term: str
    ) -> tuple[ContactQuerySet, bool]:
        return (queryset.matching(search_term) if search_term.strip() else queryset), False

    # The form of a new lead

    def get_fieldsets(self, request: HttpRequest, obj: Contact | None = None) -> Any:
        return [
            (None, {"fields": NEW_WHO}),
            (_("What you know"), {"fields": FACTS, "classes": ["collapse"]}),
            (_("Where it stands"), {"fields": NEW_STANDING, "classes": ["collapse"]}),
        ]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        only = Workspace.objects.visible_to(request.user)[:2]
        known = {"workspace": only[0].pk} if len(only) == 1 else {}
        return known | super().get_changeform_initial_data(request)

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        if db_field.name == "assigned_to":
            lead = self._lead_of(request)
            people = who_may_see(lead.workspace) if lead else colleagues_of(request.user)
            kwargs["queryset"] = people.order_by("username")
        if field := own_field(db_field):
            return field
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.ModelChoiceField):
            field.widget = field.widget.widget  # without the menu to edit the related row
        if db_field.name == "assigned_to" and field:
            field.empty_label = _("Nobody")
        return field

    def _lead_of(self, request: HttpRequest) -> Contact | None:
        """The lead whose page this is; none: a new one's."""
        return getattr(request, "lead", None)

    def identity_of(self, row: Contact) -> str:
        return row.phone or row.business_scoped_user_id or ""

    # Saving

    def waiting_for(self, saved: Contact) -> Q:
        return Q(state__in=SarahState.objects.of(saved.address))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except IntegrityError:
            # A bot has just added a lead with this phone: by now the form can say so.
            return super().changeform_view(request, *args, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Contact, form: NewLeadForm, change: bool
    ) -> Any:
        by, values = request.user.get_username(), form.changed_values()
        status, obj.lead_status = obj.lead_status, LeadStatus.NEW
        obj.staff_fields = [name for name in HOLDABLE if name in values]
        obj.save()
        why = replace(form.why(), text=form.why().text or ADDED, forced=True)
        obj.change_status(status, by=by, why=why)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Again if a bot has just had its first word with this lead.
        return past_races(partial(super().delete_view, request, *args, **kwargs))

    def delete_queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> None:
        for pks in batches(queryset):
            past_races(Contact.objects.filter(pk__in=pks).delete)
