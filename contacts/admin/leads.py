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
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import (
    BooleanRadioFilter,
    ChoicesCheckboxFilter,
    RangeNumericFilter,
)
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget

from contacts.admin.actions import ACTIONS
from contacts.admin.exporting import export_csv, export_xlsx
from contacts.admin.fields import BlockField, LineField
from contacts.admin.filters import (
    ActiveFilter,
    AddedFilter,
    AssignedFilter,
    ClockFilter,
    HotFilter,
    StandingFilter,
    StatusFilter,
)
from contacts.admin.forms import LeadForm, NoteForm
from contacts.admin.importing import ImportPages
from contacts.admin.merges import MergePages, SuggestionFilter, merge_two
from contacts.admin.next_step import NextStep
from contacts.admin.panels import LeadPanels
from contacts.admin.reaching_out import ReachingOut
from contacts.admin.takeover import TakeOver
from contacts.admin.today import TodayPage
from contacts.bulk import batches
from contacts.models import (
    HOLDABLE,
    Contact,
    ContactQuerySet,
    Note,
    Workspace,
    colleagues_of,
    who_may_see,
)
from contacts.workflow import STAGE, LeadStatus, MoveRefused
from leadsync.admin.filters import WorkspaceFilter
from leadsync.admin.healed import TellsHealed
from leadsync.admin.html import ago, standing_pill, temperature_pill
from leadsync.admin.people import PersonActions
from leadsync.admin.tools import ModelAdmin, column, holds
from leadsync.infra.db import past_races
from sarah.models import SarahState

WHO = (
    ("name", "whatsapp_name"),
    ("phone", "workspace"),
    ("email", "language"),
    ("source", "tags"),
)
REASONS = ("archive_reason", "reason")
STANDING = (
    ("lead_status", "status_stamp"),
    REASONS,
    ("lead_temperature", "lead_score"),
    ("assigned_to", "opted_out"),
)
NEW_WHO = (
    ("phone", "workspace"),
    ("name", "email"),
    ("language", "source"),
    ("tags", "business_scoped_user_id"),
)
NEW_STANDING = (("lead_status", "assigned_to"), REASONS, ("lead_temperature", "lead_score"))
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
TIMES = (("last_activity", "last_contact"), ("created", "updated"), ("re_engaged",))
CLEANED = {
    models.CharField: {"form_class": LineField},
    models.TextField: {
        "form_class": BlockField,
        "widget": UnfoldAdminTextareaWidget(attrs={"rows": 3}),
    },
}


class NoteInline(TabularInline):
    model = Note
    form = NoteForm
    fields = ["kind", "text", "author", "written"]
    readonly_fields = ["author", "written"]
    formfield_overrides = CLEANED
    verbose_name_plural = _("Notes")
    extra = 1
    per_page = 20
    hide_title = True

    @display(description=_("written"))
    def written(self, note: Note) -> str:
        return ago(note.created_at) if note.pk else "-"


@admin.register(Contact)
class ContactAdmin(
    TodayPage,
    ImportPages,
    MergePages,
    NextStep,
    TakeOver,
    ReachingOut,
    PersonActions,
    TellsHealed,
    LeadPanels,
    ModelAdmin,
):
    form = LeadForm
    actions_detail = (
        *("take_this_over", "hand_this_back", "confirm_this", "undo_move"),
        *("undo_merge", "export_this", "erase_this"),
    )
    formfield_overrides = CLEANED
    inlines = [NoteInline]
    actions = [*ACTIONS, merge_two, export_csv, export_xlsx]
    actions_list = ("import_page",)
    has_export_leads_permission = holds("contacts.export_contact")
    ordering = ["-last_activity_at"]
    sortable_by = ["status", "lead_score", "last_activity"]  # those with an index
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
        ("workspace", WorkspaceFilter),
        ActiveFilter,
        AddedFilter,
        SuggestionFilter,
        ("opted_out", BooleanRadioFilter),
    ]
    readonly_fields = [
        *("whatsapp_name", "status_stamp", "last_activity", "last_contact", "created", "updated"),
        *("re_engaged", "status_history", "conversations", "failures"),
        *(
            "chat",
            "username",
            "no_marketing",
            "merges",
            "taken_over",
            "next_step",
            "response_clock",
        ),
    ]

    class Media:
        css = {"all": ["contacts/lead.css"]}

    # The list

    def get_queryset(self, request: HttpRequest) -> ContactQuerySet:
        leads: ContactQuerySet = super().get_queryset(request)
        return leads.with_standing().select_related("workspace", "assigned_to")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        several = Workspace.objects.visible_to(request.user).values("pk")[1:2].exists()
        columns = ["lead", "status", "temperature", "lead_score", "business_type"]
        return [*columns, *(["workspace"] if several else []), "assigned", "last_activity"]

    def get_search_results(
        self, request: HttpRequest, queryset: ContactQuerySet, search_term: str
    ) -> tuple[ContactQuerySet, bool]:
        return (queryset.matching(search_term) if search_term.strip() else queryset), False

    @display(description=_("lead"), header=True)
    def lead(self, lead: Contact) -> tuple[str, str]:
        phone = lead.phone or str(_("no number"))
        return (lead.shown_name, phone) if lead.shown_name else (phone, "")

    status = column("standing", _("status"), standing_pill, sortable=STAGE)
    temperature = column("lead_temperature", _("temperature"), temperature_pill)

    @display(description=_("assigned to"))
    def assigned(self, lead: Contact) -> str:
        person = lead.assigned_to
        return (person.get_full_name() or person.get_username()) if person else "-"

    # A lead's page

    def get_fieldsets(self, request: HttpRequest, obj: Contact | None = None) -> Any:
        if obj is None:
            return [
                (_("Who"), {"fields": NEW_WHO}),
                (_("Where it stands"), {"fields": NEW_STANDING}),
                (_("What you know"), {"fields": FACTS}),
            ]
        on_whatsapp = [("username", "business_scoped_user_id")] if obj.has_profile else []
        taken_over = [("taken_over",)] if obj.is_paused else []
        clock = [("response_clock",)] if obj.answer_by else []
        no_marketing = [("no_marketing",)] if obj.marketing_stopped_at else []
        may_change = self.has_change_permission(request, obj)
        standing = [row for row in STANDING if may_change or row != REASONS]
        next_step = [(_("Next step"), {"fields": ["next_step"]})] if may_change else []
        held = [("hand_back",)] if self._may_hand_back(request, obj) else []
        return [
            (_("Who"), {"fields": (*WHO, *on_whatsapp)}),
            (_("Where it stands"), {"fields": (*taken_over, *clock, *standing, *no_marketing)}),
            *next_step,
            (_("What Sarah learned"), {"fields": FACTS}),
            *([(_("Held by staff"), {"fields": held})] if held else []),
            (_("Chat"), {"fields": ["chat"], "classes": ["tab"]}),
            (_("Conversations with Sarah"), {"fields": ["conversations"], "classes": ["tab"]}),
            (_("Status history"), {"fields": ["status_history"], "classes": ["tab"]}),
            (_("Sync failures"), {"fields": ["failures"], "classes": ["tab"]}),
            (_("Activity"), {"fields": TIMES, "classes": ["tab"]}),
            (_("Same person"), {"fields": ["merges"], "classes": ["tab"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Contact | None = None) -> list[str]:
        # A lead stays in its workspace: its conversations with Sarah are there.
        return [*self.readonly_fields, *(["workspace", "business_scoped_user_id"] if obj else [])]

    def _may_hand_back(self, request: HttpRequest, lead: Contact) -> bool:
        return bool(lead.staff_fields) and self.has_change_permission(request, lead)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        form.may_force = bool(request.user.is_superuser)
        return form

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
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.ModelChoiceField):
            field.widget = field.widget.widget  # without the menu to edit the related row
        if db_field.name == "assigned_to" and field:
            field.empty_label = _("Nobody")
        return field

    def _lead_of(self, request: HttpRequest) -> Contact | None:
        """The lead whose page this is; none: a new one's."""
        return getattr(request, "lead", None)

    def get_object(self, request: HttpRequest, *args: Any) -> Contact | None:
        request.lead = super().get_object(request, *args)  # type: ignore[attr-defined]
        return self._lead_of(request)

    def identity_of(self, row: Contact) -> str:
        return row.phone or row.business_scoped_user_id or ""

    # Saving

    def waiting_for(self, saved: Contact) -> Q:
        return Q(state__in=SarahState.objects.of(saved.address))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (IntegrityError, MoveRefused):
            # A bot has just added a lead with this phone, or moved this one: by now the form can
            # say so.
            return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Contact, form: LeadForm, change: bool) -> None:
        by = request.user.get_username()
        values = form.changed_values()
        if change:
            handed_back = form.cleaned_data["hand_back"]
            obj.edit(values, by=by, handed_back=handed_back, why=form.why())
            return
        status, obj.lead_status = obj.lead_status, LeadStatus.NEW
        obj.staff_fields = [name for name in HOLDABLE if name in values]
        obj.save()
        why = replace(form.why(), text=form.why().text or ADDED, forced=True)
        obj.change_status(status, by=by, why=why)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for note_form in formset.extra_forms:
            note_form.instance.author = request.user.get_username()
        super().save_formset(request, form, formset, change)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Again if a bot has just had its first word with this lead.
        return past_races(partial(super().delete_view, request, *args, **kwargs))

    def delete_queryset(self, request: HttpRequest, queryset: ContactQuerySet) -> None:
        for pks in batches(queryset):
            past_races(Contact.objects.filter(pk__in=pks).delete)
