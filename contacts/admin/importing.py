"""The pages of an import: a file, then its columns, tried as often as one likes, then imported."""

import logging
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldBooleanSwitchWidget,
)

from contacts.exchange import uploads
from contacts.exchange.columns import ADDRESS, IMPORTED, field_named
from contacts.exchange.importing import Outcome, Tally
from contacts.exchange.opening import UnreadableFile, headers_and_rows
from contacts.exchange.reading import Import
from contacts.exchange.whole import RefusedFile, import_file
from contacts.models import Contact, Workspace
from leadsync.admin.html import NOTHING
from leadsync.admin.tools import holds
from sarah.retry import heal_waiting

logger = logging.getLogger(__name__)

WAITING = "leads_to_import"
"""In the session: the file that waits for this person."""
COUNTED = {
    Outcome.ADDED: _("Added"),
    Outcome.CHANGED: _("Changed"),
    Outcome.UNCHANGED: _("Unchanged"),
    Outcome.REFUSED: _("Not usable"),
}


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("XLSX, or CSV in UTF-8, of at most 2 MB; larger ones: manage.py import_leads."),
    )
    workspace = forms.ModelChoiceField(
        Workspace.objects.none(),
        label=_("Workspace"),
        empty_label=_("Choose"),
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(self, workspaces: QuerySet[Workspace], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["workspace"].queryset = workspaces  # type: ignore[attr-defined]


class ColumnsForm(forms.Form):
    """Which field each column of the file is for."""

    overwrite = forms.BooleanField(
        label=_("Write also over what people wrote"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
    )

    def __init__(self, headers: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        guessed: set[str] = set()
        for position, header in enumerate(headers):
            name = field_named(header) or ""
            self.fields[f"column-{position}"] = forms.ChoiceField(
                label=header or NOTHING,
                required=False,
                choices=[("", _("Leave out")), *((one, _label(one)) for one in IMPORTED)],
                initial="" if name in guessed else name,
                widget=UnfoldAdminSelectWidget,
            )
            guessed.add(name)
        self.order_fields([*(name for name in self.fields if name != "overwrite"), "overwrite"])

    def clean(self) -> dict[str, Any]:
        chosen = list(self.columns().values())
        if not set(ADDRESS) & set(chosen):
            raise forms.ValidationError(_("No column is for the phone: say which one is."))
        if len(set(chosen)) < len(chosen):
            raise forms.ValidationError(_("Two columns are for the same field."))
        return self.cleaned_data

    def columns(self) -> dict[int, str]:
        """The chosen field of each column, by position."""
        return {
            int(name.removeprefix("column-")): field
            for name, field in self.cleaned_data.items()
            if name.startswith("column-") and field
        }


def _label(name: str) -> str:
    field: Any = Contact._meta.get_field(name)
    return str(capfirst(field.verbose_name))


class ImportPages:
    """Adds them to the list of leads."""

    has_import_permission = holds("contacts.import_contact")

    @action(description=_("Import"), permissions=["import"], url_path="import", icon="upload_file")
    def import_page(self, request: HttpRequest) -> HttpResponseBase:
        """Show the step that is next; a POST takes it."""
        waiting = request.session.get(WAITING, {})
        if "refused" in request.GET:
            return _refused_rows(waiting)
        path = uploads.path_of(waiting.get("token", ""))
        if path is None or "again" in request.GET:
            return self._take_file(request)
        try:
            with path.open("rb") as source:
                return self._take_columns(request, source, waiting)
        except UnreadableFile as error:
            messages.error(request, str(error))
            path.unlink(missing_ok=True)
            return HttpResponseRedirect(request.path)

    def _take_file(self, request: HttpRequest) -> HttpResponseBase:
        workspaces = Workspace.objects.visible_to(request.user)
        only = list(workspaces[:2])
        initial = {"workspace": only[0].pk} if len(only) == 1 else {}
        form = FileForm(workspaces, request.POST or None, request.FILES or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            token = uploads.keep(form.cleaned_data["file"].chunks())
            workspace = form.cleaned_data["workspace"].pk
            request.session[WAITING] = {"token": token, "workspace": workspace}
            return HttpResponseRedirect(request.path)
        return self._page(request, form=form, buttons=[("", _("Go on"))])

    def _take_columns(
        self, request: HttpRequest, source: Any, waiting: dict[str, Any]
    ) -> HttpResponseBase:
        headers, _rows = headers_and_rows(source)
        form = ColumnsForm(headers, request.POST or None)
        tally = None
        if request.method == "POST" and form.is_valid():
            workspaces = Workspace.objects.visible_to(request.user)  # of now
            how = Import(
                workspace=get_object_or_404(workspaces, pk=waiting["workspace"]),
                columns=form.columns(),
                width=len(headers),
                by=request.user.get_username(),
                overwrite=form.cleaned_data["overwrite"],
                dry_run="import" not in request.POST,
            )
            tally = _import(request, source, how, waiting["token"])
        is_done = tally is not None and "import" in request.POST
        buttons = [] if is_done else [("try", _("Try it")), ("import", _("Import"))]
        shown = None if is_done else form
        return self._page(request, form=shown, buttons=buttons, tally=tally, is_done=is_done)

    def _page(
        self, request: HttpRequest, *, tally: Tally | None = None, **context: object
    ) -> HttpResponseBase:
        numbers = [(label, tally.outcomes[one]) for one, label in COUNTED.items()] if tally else []
        if tally and tally.kept:
            numbers.append((_("Rows in which a person's word was kept"), tally.kept))
        context |= {
            **self.admin_site.each_context(request),  # type: ignore[attr-defined]
            "title": _("Import leads"),
            "opts": Contact._meta,
            "numbers": numbers,
            "refused": tally.refused if tally else 0,
            "list_url": reverse("admin:contacts_contact_changelist"),
            "media": self.media,  # type: ignore[attr-defined]
        }
        return TemplateResponse(request, "leadsync/import.html", context)


def _import(request: HttpRequest, source: Any, how: Import, token: str) -> Tally:
    refused = uploads.refused_of(token)
    refused.unlink(missing_ok=True)
    with RefusedFile(refused) as file:
        tally = import_file(source, how, file, heal=heal_waiting)
    if how.dry_run:
        return tally
    if path := uploads.path_of(token):
        path.unlink()
    counts = ", ".join(f"{tally.outcomes[outcome]} {outcome}" for outcome in Outcome)
    LogEntry.objects.create(
        user=cast(User, request.user),
        content_type=ContentType.objects.get_for_model(Contact),
        action_flag=ADDITION,
        change_message=f"Imported leads: {counts}.",
    )
    logger.info("User %s imported leads: %s", request.user.pk, counts)
    return tally


def _refused_rows(waiting: dict[str, Any]) -> HttpResponseBase:
    path = uploads.refused_of(waiting.get("token", ""))
    if not waiting or not path.exists():
        return HttpResponseRedirect("?again=1")
    return FileResponse(path.open("rb"), as_attachment=True, filename="leads.errors.csv")
