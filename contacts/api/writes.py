"""`/api/v1/leads/{id}/status/` and `/notes/`: what bots write, signed with their account."""

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.api.schema import describe_notes_view, describe_status_view
from contacts.api.serializers import (
    MovedLeadSerializer,
    MoveSerializer,
    NewNoteSerializer,
    WrittenNoteSerializer,
)
from contacts.api.visible import visible_leads
from contacts.models import AuthorKind, Contact, Note
from contacts.workflow import MoveRefused, Why, check_later_word
from leadsync.api.errors import NotPossible
from leadsync.api.idempotency import once
from leadsync.api.json import LimitedJSONParser, said_in
from leadsync.models import Scope


class LeadWriteView(APIView):
    read_scope = write_scope = Scope.LEADS_WRITE
    parser_classes = [LimitedJSONParser]

    @property
    def bot(self) -> str:
        return str(self.request.user.get_username())


@describe_status_view
class StatusView(LeadWriteView):
    def post(self, request: Request, pk: str) -> Response:
        said = said_in(request, MoveSerializer)
        return once(request, lambda: self._move(said))

    def _move(self, said: dict[str, Any]) -> Response:
        why = Why(text=said["reason"], archived=said["archive_reason"])
        locked = visible_leads(self.request).select_for_update(no_key=True)
        with transaction.atomic():
            lead = get_object_or_404(locked, pk=self.kwargs["pk"])
            try:
                check_later_word(lead.moved_by_person_at, as_of=said.get("as_of"))
                status = {"lead_status": said["status"]}
                changed = lead.change(status, by=self.bot, kind=AuthorKind.BOT, why=why)
            except MoveRefused as refused:
                raise _refusal(refused) from None
        return Response(MovedLeadSerializer.told(lead, changed=bool(changed)))


@describe_notes_view
class NotesView(LeadWriteView):
    def post(self, request: Request, pk: str) -> Response:
        said = said_in(request, NewNoteSerializer)
        return once(request, lambda: self._write(said))

    def _write(self, said: dict[str, Any]) -> Response:
        lead: Contact = get_object_or_404(visible_leads(self.request), pk=self.kwargs["pk"])
        signed = {"author": self.bot, "author_kind": AuthorKind.BOT}
        note = Note.objects.create(contact=lead, **said, **signed)
        return Response(WrittenNoteSerializer.told(note), status=201)


def _refusal(refused: MoveRefused) -> NotPossible | ValidationError:
    if refused.field == "status":
        return NotPossible(str(refused), code="invalid_transition")
    return ValidationError({refused.field: str(refused)})
