"""Editing facts of a lead: one in its place on the page, or all of them on a page of their own."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.forms import modelform_factory
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.admin.assigning import label_of as load_of
from contacts.admin.forms import FactsForm
from contacts.admin.record.facts import EDITABLE, OWNER
from contacts.admin.record.neighbours import FILTERS, back_to, page_url
from contacts.admin.record.words import label_of, name_of
from contacts.admin.record.writes import visible_leads
from contacts.models import HOLDABLE, Contact, Membership


class FactsPage:
    """Adds the page that a click on a fact opens; with htmx it opens in the fact's place."""

    def get_urls(self) -> list[URLPattern]:
        view: Any = self.admin_site.admin_view(self.edit_facts)  # type: ignore[attr-defined]
        page = path("<int:pk>/edit/", view, name="contacts_contact_edit")
        return [page, *super().get_urls()]  # type: ignore[misc]

    def edit_facts(self, request: HttpRequest, pk: int) -> HttpResponse:
        get_object_or_404(visible_leads(self, request), pk=pk)
        if not request.user.has_perm("contacts.change_contact"):
            raise PermissionDenied
        if request.method == "POST":
            try:
                return self._save_facts(request, pk)
            except IntegrityError:
                # A bot has just added a lead with this phone: by now the form can say so.
                return self._save_facts(request, pk)
        asked = request.GET.getlist("field")
        names = [name for name in EDITABLE if name in asked] or list(EDITABLE)
        lead = Contact.objects.select_related("workspace").get(pk=pk)
        request.lead = lead  # type: ignore[attr-defined]
        return self._form_page(request, lead, self._facts_form(request, names)(instance=lead))

    @transaction.atomic
    def _save_facts(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The row is locked while the form compares: two people, or a bot, may write at once."""
        sent = request.POST
        names = [name for name in EDITABLE if name in sent or f"initial-{name}" in sent]
        locked: Any = Contact.objects.select_for_update(no_key=True, of=("self",))
        request.lead = lead = locked.select_related("workspace").get(pk=pk)  # type: ignore[attr-defined]
        form = self._facts_form(request, names)(sent, instance=lead)
        if not form.is_valid():
            return self._form_page(request, lead, form)
        changed = lead.edit(form.changed_values(), by=request.user.get_username())
        self._tell_later(request, lead)  # type: ignore[attr-defined]
        _tell_saved(request, [name for name in changed if name in EDITABLE])
        return back_to(request, pk, place=f"fact-{names[0]}" if len(names) == 1 else "")

    def _facts_form(self, request: HttpRequest, names: list[str]) -> Any:
        field_of = partial(self.formfield_for_dbfield, request=request)  # type: ignore[attr-defined]
        form: Any = FactsForm
        return modelform_factory(Contact, form=form, fields=names, formfield_callback=field_of)

    def _form_page(self, request: HttpRequest, lead: Contact, form: FactsForm) -> HttpResponse:
        if OWNER in form.fields:
            _tell_loads(form.fields[OWNER], lead)
        names, filters = (
            list(form.fields),
            request.POST.get(FILTERS) or request.GET.get(FILTERS, ""),
        )
        is_held = names[1:] == [] and names[0] in lead.staff_fields
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": str(lead),
            "opts": Contact._meta,
            "original": lead,
            "lead": lead,
            "form": form,
            "held": names[0] if is_held else "",
            "filters": filters,
            "back": page_url(lead.pk, filters=filters),
        }
        is_part = "HX-Request" in request.headers
        page = "fact_form" if is_part else "edit"
        return TemplateResponse(request, f"contacts/record/{page}.html", context)


def _tell_loads(field: Any, lead: Contact) -> None:
    """Say beside each name how much that person has to do."""
    here = Membership.objects.filter(workspace=lead.workspace_id)
    told = {load.person.pk: load_of(load) for load in here.people()}
    field.label_from_instance = lambda person: told.get(person.pk) or name_of(person)


def _tell_saved(request: HttpRequest, changed: list[str]) -> None:
    if not changed:
        messages.info(request, _("Nothing was changed."))
        return
    messages.success(request, _("Saved."))
    if held := [label_of(name) for name in changed if name in HOLDABLE]:
        text = ngettext(
            "Sarah leaves this alone from now on: %s. “Let Sarah write it” hands it back.",
            "Sarah leaves these alone from now on: %s. “Let Sarah write it” hands one back.",
            len(held),
        )
        messages.info(request, text % ", ".join(held))
