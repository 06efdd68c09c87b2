"""The forms of a lead: one to add it, and one for a few facts of a lead that is there."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import models
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from contacts.admin.fields import LineField, ListField
from contacts.admin.reasons import ReasonFields
from contacts.admin.record.words import told
from contacts.models import HOLDABLE, Contact, Workspace, who_may_see
from contacts.phones import MAX_RAW_LENGTH, InvalidPhone, to_e164
from contacts.sentences import in_words as phone_in_words
from contacts.workflow import MoveRefused, Why
from sarah.facts import EMPTY


def own_field(db_field: models.Field) -> forms.Field | None:
    """The form field of a column that is typed otherwise than it is stored."""
    match db_field.name:
        case "phone":
            return LineField(
                label=gettext_lazy("Phone"),
                required=False,
                empty_value=None,
                max_length=MAX_RAW_LENGTH,
                widget=UnfoldAdminTextInputWidget(attrs={"type": "tel", "autocomplete": "off"}),
                help_text=gettext_lazy("In any spelling, such as 0812-3456-7890."),
            )
        case "pain_points":
            return ListField(
                label=gettext_lazy("Pain points"),
                required=False,
                widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
                help_text=gettext_lazy("One on each line."),
            )
        case "tags":
            return ListField(
                separator=", ",
                label=gettext_lazy("Tags"),
                required=False,
                widget=UnfoldAdminTextInputWidget,
                help_text=gettext_lazy("Separated by commas."),
            )
    return None


class LeadForm(forms.ModelForm):
    """What both forms check."""

    class Meta:
        model = Contact
        fields: list[str] = []  # the pages name them

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
        return values

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


class NewLeadForm(ReasonFields, LeadForm):
    """Adds a lead; it may start at any status."""

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        self._check_assignee(values)
        try:
            self.why().check(values.get("lead_status") or "")
        except MoveRefused as refused:
            self.add_error(refused.field, refused.in_words)
        return values

    def _check_assignee(self, values: dict[str, Any]) -> None:
        """The workspace was not known when people were offered."""
        person, workspace = values.get("assigned_to"), values.get("workspace")
        if person and workspace and not who_may_see(workspace).filter(pk=person.pk).exists():
            self.add_error("assigned_to", _("This person is no member of the workspace."))

    def why(self) -> Why:
        said = self.cleaned_data
        return Why(text=said.get("reason", ""), archived=said.get("archive_reason", ""))

    def changed_values(self) -> dict[str, Any]:
        """Return what the person filled in, by column."""
        columns = set(self.changed_data) - set(ReasonFields.base_fields)
        return {name: self.cleaned_data[name] for name in columns}


class FactsForm(LeadForm):
    """Edits facts of a lead while others, and bots, write to it (DESIGN 3).

    The page carries what it showed in hidden fields, so `changed_data` is what the person changed,
    even if the row has changed since, and even after the form was shown again with an error. What
    somebody else changed meanwhile is not overwritten unseen. `instance` is the locked row.
    """

    data: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._keep_assignee()
        for field in self.fields.values():
            field.show_hidden_initial = True
        if self.is_bound:
            self.data = self._with_all_that_was_shown(self.data)

    def clean(self) -> dict[str, Any]:
        values = super().clean()
        for name in self.changed_data:
            if name in values and not self.has_error(name):
                self._check_nobody_else_wrote(name, values[name])
        return values

    def changed_values(self) -> dict[str, Any]:
        """Return what the person changed, by column."""
        return {name: self.cleaned_data[name] for name in self.changed_data}

    def _check_nobody_else_wrote(self, name: str, typed: object) -> None:
        """Refuse to overwrite what this person has not seen; by the next time they have."""
        field: Any = self.fields[name]
        key = self.add_initial_prefix(name)
        now = field.prepare_value(self.get_initial_for_field(field, name))
        try:
            shown, stored = field.to_python(self.data[key]), field.to_python(now)
        except ValidationError:  # forged
            return
        if stored in (shown, typed):
            return
        self.data[key] = "" if now is None else str(now)
        self.add_error(name, _written_meanwhile(self.instance, name, stored))

    def _keep_assignee(self) -> None:
        """Offer the current assignee even if that person has left, so that others can still edit
        the lead."""
        field: Any = self.fields.get("assigned_to")
        if field and self.instance.assigned_to_id:
            field.queryset |= User.objects.filter(pk=self.instance.assigned_to_id)

    def _with_all_that_was_shown(self, data: Any) -> Any:
        """Fill in what a client left out of the hidden fields with what is stored."""
        data = data.copy()
        for name, field in self.fields.items():
            key = self.add_initial_prefix(name)
            if key not in data:
                shown = field.prepare_value(self.get_initial_for_field(field, name))
                data[key] = "" if shown is None else str(shown)
        return data


def _written_meanwhile(lead: Contact, name: str, stored: object) -> str:
    """Say who wrote what, and how to choose."""
    by_sarah = name in HOLDABLE and name not in lead.staff_fields
    last = None if by_sarah else lead.edits.filter(field=name).first()
    said = {"who": last.by if last else "Sarah", "what": told(name, stored)}
    if stored in EMPTY:
        return _("%(who)s has emptied this meanwhile. Save again to write yours.") % said
    return (
        _("%(who)s has written “%(what)s” here meanwhile. Save again to replace it with yours.")
        % said
    )
