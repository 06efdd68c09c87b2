"""Exports and erases everything about one person, from the page of any of their rows."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from contacts.models import Erasure
from leadsync.admin.actions import confirm_selection, dialog, is_confirmed
from leadsync.admin.navigation import forget_open_failures
from leadsync.admin.tools import holds
from leadsync.infra.visible import reach_of
from monitoring.erasing import erase
from monitoring.people import count, export, person_with

WILL_ERASE = _(
    "All of this is deleted for good, in all workspaces, as well as the person's name in the "
    "admin's log. Only a keyed hash of the phone and the time remain, so that nothing old brings "
    "the person back. If they write again, they are somebody new."
)


class PersonActions:
    """Adds the two actions to the page of a row; `identity_of` says whose it is."""

    def has_erase_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        """A person is erased in all workspaces, so by somebody who sees them all."""
        sees_all = reach_of(request.user).is_everything
        return sees_all and request.user.has_perm("contacts.erase_person")

    has_export_permission = holds("contacts.export_person")

    def identity_of(self, row: Any) -> str:
        raise NotImplementedError

    @action(
        description=_("Export this person"),
        permissions=["export"],
        url_path="export-person",
        icon="download",
    )
    def export_this(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        row = self._row(request, object_id)
        self.log_change(request, row, gettext_noop("Exported all about this person."))  # type: ignore[attr-defined]
        return StreamingHttpResponse(
            export(self.identity_of(row), seen_by=request.user),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="person-{row.pk}.json"'},
        )

    @action(
        description=_("Erase this person"),
        permissions=["erase"],
        url_path="erase-person",
        icon="person_off",
        variant=ActionVariant.DANGER,
    )
    def erase_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        row = self._row(request, object_id)
        if is_confirmed(request):
            return self._erase(request, self.identity_of(row))
        known = count(person_with(self.identity_of(row)))
        question = dialog(
            _("Erase this person?"), WILL_ERASE, button=_("Erase for good"), destroys=True
        )
        return confirm_selection(
            self,  # type: ignore[arg-type]
            request,
            type(row).objects.filter(pk=row.pk),
            question,
            numbers=[(gettext(name), str(number)) for name, number in known.items()],
            cancel_url=_url_of(row, "change", row.pk),
        )

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        row = self.get_object(request, object_id)  # type: ignore[attr-defined]
        if row is None:
            raise Http404
        return row

    def _erase(self, request: HttpRequest, identity: str) -> HttpResponse:
        try:
            rows = erase(identity).total()
        except OSError as error:
            text = gettext("Nothing was erased: the folder var/ cannot be written (%s).")
            messages.error(request, text % error.strerror)
            return HttpResponseRedirect(request.get_full_path())
        LogEntry.objects.create(
            user=cast(User, request.user),
            content_type=ContentType.objects.get_for_model(Erasure),
            action_flag=DELETION,
            change_message="Erased a person.",
        )
        forget_open_failures()
        text = ngettext("%d row was erased.", "%d rows were erased.", rows)
        messages.success(request, text % rows)
        return HttpResponseRedirect(_url_of(self, "changelist"))


def _url_of(about: Any, page: str, *args: object) -> str:
    options = getattr(about, "opts", None) or about._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_{page}", args=args)
