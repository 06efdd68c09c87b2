"""Admin pages of workspaces."""

from typing import Any, cast

from django import forms
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts.admin.feeds import FeedActions
from contacts.admin.fields import LineField, ListField
from contacts.admin.in_short import in_short
from contacts.admin.members import HasMembers, MembershipInline
from contacts.admin.workspace_form import FIELDS, HOURS, HoursFields, StatusFields
from contacts.models import MAX_TEST_NUMBERS, Contact, Workspace
from contacts.phones import InvalidPhone, to_e164
from contacts.quota import room_in
from contacts.sentences import in_words
from leadsync.admin.healed import TellsHealed
from leadsync.admin.html import as_link, list_url, pill
from leadsync.admin.lists.table import TwoLines
from leadsync.admin.tools import ModelAdmin, computed


class WorkspaceForm(StatusFields, HoursFields, forms.ModelForm):  # type: ignore[valid-type, misc]
    test_numbers = ListField(
        max_items=MAX_TEST_NUMBERS,
        label=_("Test numbers"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_(
            "Your own phones, one on each line, in any spelling. Sarah remembers what they say, "
            "but nothing of it reaches a lead, and nothing counts as failed. A number that you "
            "take out syncs at once."
        ),
    )

    class Meta:
        model = Workspace
        fields: list[str] = []  # the admin's fieldsets name them

    def clean_test_numbers(self) -> list[str]:
        region = self.cleaned_data.get("region") or self.instance.region
        numbers, errors = [], []
        for line in self.cleaned_data["test_numbers"]:
            try:
                numbers.append(to_e164(line, region=region, from_person=True))
            except InvalidPhone as error:
                errors.append(f"“{line}”: {in_words(error)}")
        if errors:
            raise ValidationError(errors)
        return list(dict.fromkeys(numbers))


def _created_lately(workspace: Workspace) -> object:
    if not workspace.pk:
        return ""
    limit = workspace.max_created_per_hour
    if room := room_in(workspace):
        return pill(ngettext("%d lead", "%d leads", limit - room) % (limit - room))
    return pill(_("Limit reached"), "danger")


@admin.register(Workspace)
class WorkspaceAdmin(HasMembers, FeedActions, TellsHealed, ModelAdmin):
    form = WorkspaceForm
    inlines = [MembershipInline]
    actions_detail = ("connect_kapso", "test_kapso", "rotate_kapso")
    formfield_overrides = {
        models.CharField: {"form_class": LineField},
        models.SlugField: {"widget": UnfoldAdminTextInputWidget},
    }
    list_display = ["name", "slug", "region", "kapso_phone_number_id", "unknown", "leads"]
    list_display_links = ["name"]
    on_phone = TwoLines(who="name", told="slug", mark="unknown", when="leads")
    search_fields = ["name", "slug", "kapso_phone_number_id"]
    search_help_text = _("Name, slug or Kapso id")
    ordering = ["name", "pk"]
    actions = None
    fieldsets: list[tuple[Any, dict[str, Any]]] = [
        (None, {"fields": ["name", "slug", "region"]}),
        (_("Bots"), {"fields": ["kapso_phone_number_id", "test_numbers"]}),
        (_("Status after what Sarah says"), {"fields": [*FIELDS.values()]}),
        (_("Unknown numbers"), {"fields": ["creates_contacts", "max_created_per_hour", "lately"]}),
        (_("Working hours"), {"fields": HOURS}),
        (_("Handoffs"), {"fields": ["assigns_by_turns", "plans_next_steps"]}),
        (_("Privacy"), {"fields": ["chat_days"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Workspace | None = None) -> Any:
        """First how it stands; the sections open when they are needed."""
        (_untitled, who), *sections = self.fieldsets
        short = ["summary"] if obj else []
        folded = [(title, {**what, "classes": ["collapse"]}) for title, what in sections]
        return [(None, {"fields": [*short, *who["fields"]]}), *folded]

    @display(description=_("leads"))
    def leads(self, workspace: Workspace) -> str:
        url = list_url("contacts_contact", workspace__id__exact=workspace.pk)
        return as_link(url, _("Show leads"))

    @display(description=_("unknown numbers"))
    def unknown(self, workspace: Workspace) -> SafeString:
        if workspace.creates_contacts:
            return pill(_("become leads"), "success")
        return pill(_("wait to be added"))

    summary = computed(_("in short"), in_short)
    lately = computed(_("created in the last hour"), _created_lately)

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        never_changes = _("How bots name the workspace. It can never be changed.")
        return super().get_form(request, *args, help_texts={"slug": never_changes}, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Workspace | None = None) -> list[str]:
        return (
            ["summary", "slug", "lately"] if obj else ["lately"]
        )  # bots know the workspace by its slug

    def get_prepopulated_fields(
        self, request: HttpRequest, obj: Workspace | None = None
    ) -> dict[str, Any]:
        is_given = obj or "slug" in request.GET  # by the bot: typing a name must not change it
        return {} if is_given else {"slug": ["name"]}

    def save_model(self, request: HttpRequest, obj: Workspace, form: Any, change: bool) -> None:
        """Whoever adds a workspace works there: else they would not see it."""
        super().save_model(request, obj, form, change)
        if not change and not request.user.is_superuser:
            obj.memberships.create(user=cast(User, request.user))

    def waiting_for(self, saved: Workspace) -> models.Q:
        return models.Q(state__workspace=saved)

    def has_delete_permission(self, request: HttpRequest, obj: Workspace | None = None) -> bool:
        """Refuse to delete a workspace that is in use: its leads and conversations would have no
        home."""
        allowed = super().has_delete_permission(request, obj)
        return allowed and not (obj and _is_used(obj))


def _is_used(workspace: Workspace) -> bool:
    leads = Contact.objects.filter(workspace=workspace)
    used = workspace.conversations.exists() or workspace.api_keys.exists()
    return used or leads.exists()
