"""The form of a lead: it tells what a person changed from what the page had shown."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from contacts.admin.fields import LineField, ListField
from contacts.admin.phones import in_words as phone_in_words
from contacts.admin.reasons import ReasonFields, in_words
from contacts.models import HOLDABLE, AuthorKind, Contact, Note, Workspace, who_may_see
from contacts.phones import MAX_RAW_LENGTH, InvalidPhone, to_e164
from contacts.workflow import MoveRefused, Why, check_move, moves_from

HELD_COLUMNS: dict[str, Any] = {name: Contact._meta.get_field(name) for name in HOLDABLE}


FORM_ONLY = ("hand_back", "archive_reason", "reason")
"""Fields that are no columns of a lead."""


class LeadForm(ReasonFields, forms.ModelForm):
    """Edits a lead while bots write to it (DESIGN 3).

    The page carries what it showed in hidden fields, so `changed_data` is what the person changed,
    even if the row has changed since, and even after the form was shown again with an error.
    """

    phone = LineField(
        label=_("Phone"),
        max_length=MAX_RAW_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("In any spelling, such as 0812-3456-7890."),
    )
    pain_points = ListField(
        label=_("Pain points"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("One on each line."),
    )
    tags = ListField(
        separator=", ",
        label=_("Tags"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Separated by commas."),
    )
    hand_back = forms.MultipleChoiceField(
        label=_("Hand back to Sarah"),
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Sarah writes the ticked fields again, from her next message on."),
    )

    may_force = False
    """Whether the person may move a lead against the rules."""

    class Meta:
        model = Contact
        fields: list[str] = []  # the admin's fieldsets name them

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "phone" in self.fields:
            phone: Any = self.fields["phone"]
            phone.required, phone.empty_value = False, None
        self._mark_held_fields()
        self._link_to_chat()
        self._keep_assignee()
        self._offer_moves()
        for name in self._compared_fields():
            self.fields[name].show_hidden_initial = True
        if self.is_bound:
            self.data = self._with_all_that_was_shown(self.data)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        workspace = values.get("workspace") or self._own_workspace()
        has_id = values.get("business_scoped_user_id") or self.instance.business_scoped_user_id
        if "phone" in values and not (values["phone"] or has_id):
            self.add_error("phone", self.fields["phone"].error_messages["required"])
        if workspace and values.get("phone"):
            try:
                values["phone"] = self._free_phone(values["phone"], workspace)
            except ValidationError as error:
                self.add_error("phone", error)
        self._check_move(values)
        self._check_assignee(values)
        return values

    def why(self) -> Why:
        """Why the status changes, as the person says; a superuser's reason forces it."""
        said = self.cleaned_data
        text, archived = said.get("reason", ""), said.get("archive_reason", "")
        return Why(text=text, archived=archived, forced=self.may_force and bool(text))

    def changed_values(self) -> dict[str, Any]:
        """Return what the person changed, by field name."""
        return {
            name: self.cleaned_data[name] for name in self.changed_data if name not in FORM_ONLY
        }

    def _mark_held_fields(self) -> None:
        held = [name for name in self.instance.staff_fields if name in self.fields]
        for name in held:
            field = self.fields[name]
            field.help_text = format_html(
                '<span class="material-symbols-outlined text-sm align-[-3px]">lock</span> {} {}',
                _("Held by staff."),
                field.help_text,
            )
        label = {name: str(field.verbose_name) for name, field in HELD_COLUMNS.items()}
        hand_back: Any = self.fields["hand_back"]
        # Any holdable name is valid, since somebody else may have handed it back meanwhile.
        hand_back.choices = list(label.items())
        hand_back.widget.choices = [(name, capfirst(label[name])) for name in held]

    def _link_to_chat(self) -> None:
        if "phone" in self.fields and self.instance.phone:
            self.fields["phone"].help_text = format_html(
                '<button type="submit" form="chat-form" class="text-link">{}</button>',
                _("Open the chat in WhatsApp"),
            )

    def _keep_assignee(self) -> None:
        """Offer the current assignee even if that person has left, so that others can still edit
        the lead."""
        field: Any = self.fields.get("assigned_to")
        if field and self.instance.assigned_to_id:
            field.queryset |= User.objects.filter(pk=self.instance.assigned_to_id)

    def _offer_moves(self) -> None:
        """Offer the statuses to which the lead may move; a new lead may start at any."""
        field: Any = self.fields.get("lead_status")
        if field and self.instance.pk and not self.may_force:
            now = self.instance.lead_status
            offered = {now, *moves_from(now, kind=AuthorKind.PERSON)}
            # Any status is valid: a bot may have moved the lead meanwhile, and `clean` explains it.
            field.widget.choices = [one for one in field.choices if one[0] in offered]

    def _check_move(self, values: dict[str, Any]) -> None:
        if "lead_status" not in self.changed_data or not values.get("lead_status"):
            return
        to = values["lead_status"]
        try:
            if self.instance.pk:
                now = self.instance.lead_status
                check_move(now, to, kind=AuthorKind.PERSON, why=self.why())
            else:
                self.why().check(to)
        except MoveRefused as refused:
            field = "lead_status" if refused.field == "status" else refused.field
            self.add_error(field, in_words(refused))

    def _check_assignee(self, values: dict[str, Any]) -> None:
        """Of a new lead: the workspace was not known when people were offered."""
        person, workspace = values.get("assigned_to"), values.get("workspace")
        if person and workspace and not who_may_see(workspace).filter(pk=person.pk).exists():
            self.add_error("assigned_to", _("This person is no member of the workspace."))

    def _compared_fields(self) -> list[str]:
        return [name for name in self.fields if name not in FORM_ONLY]

    def _with_all_that_was_shown(self, data: Any) -> Any:
        """Fill in what a client left out of the hidden fields with what is stored."""
        data = data.copy()
        for name in self._compared_fields():
            field, key = self.fields[name], self.add_initial_prefix(name)
            if key not in data:
                shown = field.prepare_value(self.get_initial_for_field(field, name))
                data[key] = "" if shown is None else str(shown)
        return data

    def _own_workspace(self) -> Workspace | None:
        return self.instance.workspace if self.instance.workspace_id else None

    def _free_phone(self, typed: str, workspace: Workspace) -> str:
        """Return the number in E.164; invalid if another lead of the workspace has it."""
        try:
            phone = to_e164(typed, region=workspace.region, from_person=True)
        except InvalidPhone as error:
            raise ValidationError(phone_in_words(error)) from None
        leads = Contact.objects.filter(phone=phone, workspace=workspace)
        if other := leads.exclude(pk=self.instance.pk).first():
            raise ValidationError(
                format_html(
                    '{} <a href="{}" class="underline">{}</a>',
                    _("This workspace already has a lead with this phone:"),
                    reverse("admin:contacts_contact_change", args=[other.pk]),
                    other,
                )
            )
        return phone


class NoteForm(forms.ModelForm):
    class Meta:
        model = Note
        fields = ["kind", "text"]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        for field in self.fields.values():  # a table's cells have no labels of their own
            field.widget.attrs["aria-label"] = field.label
