"""Merging two leads in the admin: side by side, chosen field by field, and undone."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Exists, OuterRef, Q
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RadioFilter
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from contacts.merging import CHOOSABLE, NotUndoable, merge_by_hand, undo
from contacts.models import Contact, ContactQuerySet, Merge, MergeSuggestion
from leadsync.admin.actions import dialog, dialog_action, go_to
from leadsync.admin.filters import Questions, row_id
from leadsync.admin.html import admin_link, as_link, list_url
from leadsync.admin.tools import MAX_SEARCH, ModelAdmin, holds
from sarah.admin.details import in_words

WILL_UNDO = _(
    "The lead that was merged into this one last comes back with what it brought. What has changed "
    "or come in since stays here."
)


class OtherForm(BaseDialogForm):
    other = forms.CharField(
        label=_("The other lead"),
        max_length=MAX_SEARCH,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Name, business type, WhatsApp user name or id, or phone in any spelling"),
    )

    def clean_other(self) -> Contact:
        """Find the one lead that is meant."""
        typed, leads = self.cleaned_data["other"], Contact.objects.visible_to(self.request.user)
        here = leads.filter(workspace__contacts=self.object_id).exclude(pk=self.object_id)
        match list(here.matching(typed)[:2]):
            case [found]:
                return found
            case []:
                raise ValidationError(_("No other lead of this workspace matches “%s”.") % typed)
        every = list_url("contacts_contact", q=typed)
        text = _("Several leads match: tick two of them, and choose “Merge two leads”.")
        raise ValidationError(format_html("{} {}", text, as_link(every, _("Show them"))))


def _may_be_the_same(leads: ContactQuerySet) -> ContactQuerySet:
    here = Q(first=OuterRef("pk")) | Q(second=OuterRef("pk"))
    return leads.filter(Exists(MergeSuggestion.objects.open().filter(here)))


class SuggestionFilter(Questions, RadioFilter):
    title = _("merge suggestions")
    parameter_name = "merge"
    questions = {"open": (_("May be the same person as another"), _may_be_the_same)}


@admin.action(description=_("Merge two leads"), permissions=["change"])
def merge_two(page: ModelAdmin, request: HttpRequest, leads: ContactQuerySet) -> Any:
    """Compare the two that are selected."""
    pair = list(leads.order_by("pk")[:3])
    if len(pair) != 2 or pair[0].workspace_id != pair[1].workspace_id:
        messages.error(request, _("Select two leads of one workspace."))
        return None
    return HttpResponseRedirect(comparison(*pair))


def comparison(survivor: Contact, other: Contact) -> str:
    """The address of the page that compares two leads."""
    return reverse("admin:contacts_contact_merge", args=[survivor.pk, other.pk])


class MergePages:
    """The comparison of two leads, and the button that undoes the last merge."""

    def get_urls(self) -> list[Any]:
        compare = path(
            "<int:survivor_id>/merge/<int:other_id>/",
            self.admin_site.admin_view(self.compare),  # type: ignore[attr-defined]
            name="contacts_contact_merge",
        )
        return [compare, *super().get_urls()]  # type: ignore[misc]

    def compare(self, request: HttpRequest, survivor_id: int, other_id: int) -> HttpResponse:
        """Show both side by side; a POST merges them, or keeps them apart."""
        rows = {one.pk: one for one in Contact.objects.filter(pk__in=[survivor_id, other_id])}
        if len(rows) != 2 or len({one.workspace_id for one in rows.values()}) != 1:
            raise Http404
        if not request.user.has_perm("contacts.change_contact"):
            raise PermissionDenied
        survivor, other = rows[survivor_id], rows[other_id]
        if request.method == "POST":
            return self._decide(request, survivor, other)
        context = {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Merge two leads"),
            "opts": Contact._meta,
            "leads": [survivor, other],
            "fields": _choices(survivor, other),
            "media": self.media,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "leadsync/merge.html", context)

    def _decide(self, request: HttpRequest, survivor: Contact, other: Contact) -> HttpResponse:
        by = request.user.get_username()
        page = reverse("admin:contacts_contact_change", args=[survivor.pk])
        if "apart" in request.POST:
            MergeSuggestion.objects.about(survivor).about(other).decline(by=by)
            messages.success(request, _("They are kept apart, and not suggested again."))
            return HttpResponseRedirect(page)
        chosen = {
            name: getattr(other, name)
            for name in CHOOSABLE
            if request.POST.get(f"from-{name}") == "other"
        }
        kept = {
            name: getattr(survivor, name)
            for name in CHOOSABLE
            if request.POST.get(f"from-{name}") == "survivor"
        }
        merge_by_hand(survivor.pk, other.pk, by=by, chosen=chosen | kept)
        messages.success(request, _("They are one lead now. It can be undone for 30 days."))
        return HttpResponseRedirect(page)

    has_undo_permission = has_merge_permission = holds("contacts.change_contact")

    @dialog_action(
        description=_("Merge with another lead"),
        permissions=["merge"],
        url_path="merge",
        icon="merge",
        dialog=dialog(_("Merge with which lead?"), "", button=_("Compare"), form=OtherForm),
    )
    def merge_this(self, request: HttpRequest, form: Form, object_id: str) -> HttpResponse:
        """Compare the two."""
        lead = get_object_or_404(Contact, pk=row_id(object_id))
        return go_to(request, comparison(lead, form.cleaned_data["other"]))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer to undo only where something can be undone."""
        offered = super().get_actions_detail(request, object_id)  # type: ignore[misc]
        if Merge.objects.undoable().filter(survivor=row_id(str(object_id))).exists():
            return offered
        return [one for one in offered if one.path != "undo-merge"]

    @dialog_action(
        description=_("Undo the last merge"),
        permissions=["undo"],
        url_path="undo-merge",
        icon="undo",
        dialog=dialog(_("Undo the last merge?"), WILL_UNDO, button=_("Undo the merge")),
    )
    def undo_merge(self, request: HttpRequest, form: Form, object_id: str) -> None:
        last = Merge.objects.undoable().filter(survivor=row_id(str(object_id))).first()
        try:
            absorbed = undo(last.pk if last else 0, by=request.user.get_username())
        except NotUndoable as error:
            messages.error(request, str(error))
        else:
            messages.success(request, format_html("{} {}", _("It is back:"), admin_link(absorbed)))


def _choices(survivor: Contact, other: Contact) -> list[dict[str, object]]:
    """Whatever one of the two has."""
    said = [name for name in CHOOSABLE if getattr(survivor, name) or getattr(other, name)]
    return [_choice(name, survivor, other) for name in said]


def _shown(lead: Contact, name: str) -> object:
    """The value in words."""
    display = getattr(lead, f"get_{name}_display", None)
    return in_words(display() if display else getattr(lead, name))


def _choice(name: str, survivor: Contact, other: Contact) -> dict[str, object]:
    """A row of the comparison: what each of the two has, and which is proposed."""
    field = Contact._meta.get_field(name)
    shown = name.removesuffix("_id")
    mine, theirs = getattr(survivor, shown), getattr(other, shown)
    return {
        "name": name,
        "label": field.verbose_name,  # type: ignore[union-attr]
        "mine": _shown(survivor, shown),
        "theirs": _shown(other, shown),
        "differs": mine != theirs,
        "is_theirs": not mine and bool(theirs),
    }
