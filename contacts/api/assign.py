"""`/api/v1/leads/{id}/assign/`: whose a lead is, and who could take it."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.schema import ERRORS, ID, WRITING
from contacts.api.visible import visible_leads
from contacts.api.writes import LeadWriteView
from contacts.models import AuthorKind, Contact, Load, Membership, who_may_see
from leadsync.api.errors import NotPossible, error_responses
from leadsync.api.idempotency import IDEMPOTENCY_KEY, once
from leadsync.api.json import said_in
from leadsync.models import Scope


class NewOwnerSerializer(serializers.Serializer[Any]):
    """Whose the lead shall be."""

    assigned_to = serializers.CharField(
        allow_null=True,
        max_length=150,
        help_text="User name of a member of the lead's workspace; null: nobody.",
    )
    as_of = serializers.DateTimeField(
        required=False,
        help_text="When you read the lead. If a person has assigned it since, nothing changes "
        "(409).",
    )


class OwnerSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    assigned_to = serializers.CharField(allow_null=True)
    changed = serializers.BooleanField(help_text="`false`: it was so already.")


class LoadSerializer(serializers.Serializer[Any]):
    """What a person has to do in the lead's workspace."""

    user_name = serializers.CharField()
    name = serializers.CharField()
    open = serializers.IntegerField(help_text="Leads that are neither converted nor archived.")
    overdue = serializers.IntegerField(help_text="Of them, those to be answered by now.")
    takes_leads = serializers.BooleanField(help_text="Whether this person gets leads by turns.")


class PeopleSerializer(serializers.Serializer[Any]):
    assigned_to = serializers.CharField(allow_null=True)
    people = LoadSerializer(many=True)


class AssignView(LeadWriteView):
    read_scope = Scope.LEADS_READ

    @extend_schema(
        operation_id="leads_who_could_take_it",
        tags=["leads"],
        summary="Tell whose a lead is and who could take it",
        description="The members of the lead's workspace, who has the least to do first. "
        "Scope: `leads:read`.",
        parameters=[ID],
        responses={200: PeopleSerializer, **error_responses(*ERRORS)},
    )
    def get(self, request: Request, pk: str) -> Response:
        lead = get_object_or_404(visible_leads(request).select_related("assigned_to"), pk=pk)
        people = Membership.objects.filter(workspace=lead.workspace_id).people()
        return Response({"assigned_to": _owner(lead), "people": list(map(_json, people))})

    @extend_schema(
        operation_id="leads_assign",
        tags=["leads"],
        summary="Assign a lead",
        description="Gives the lead to a member of its workspace, or to nobody, signed with the "
        "bot's account. The open next step of its former owner goes along. Scope: `leads:write`.",
        parameters=[ID, IDEMPOTENCY_KEY],
        request=NewOwnerSerializer,
        responses={200: OwnerSerializer, **error_responses(*WRITING)},
    )
    def post(self, request: Request, pk: str) -> Response:
        said = said_in(request, NewOwnerSerializer)
        return once(request, lambda: self._assign(said))

    @transaction.atomic
    def _assign(self, said: dict[str, Any]) -> Response:
        locked = visible_leads(self.request).select_for_update(no_key=True)
        lead = get_object_or_404(locked, pk=self.kwargs["pk"])
        _check_later_word(lead, said.get("as_of"))
        changed = lead.change(
            {"assigned_to": member(said["assigned_to"], lead)}, by=self.bot, kind=AuthorKind.BOT
        )
        return Response({"id": lead.pk, "assigned_to": _owner(lead), "changed": bool(changed)})


def member(name: str | None, lead: Contact) -> User | None:
    """Return the person of this user name, who may be given the lead; None: nobody."""
    if name is None:
        return None
    if person := who_may_see(lead.workspace).filter(username=name).first():
        return person
    raise ValidationError({"assigned_to": "No member of the lead's workspace has this user name."})


def _check_later_word(lead: Contact, as_of: datetime | None) -> None:
    by_person = lead.assignments.filter(actor_kind=AuthorKind.PERSON)
    if as_of and by_person.filter(at__gt=as_of).exists():
        raise NotPossible("A person has assigned this lead since: read it again.")


def _owner(lead: Contact) -> str | None:
    return lead.assigned_to.get_username() if lead.assigned_to else None


def _json(load: Load) -> dict[str, Any]:
    return {
        "user_name": load.person.get_username(),
        "name": load.person.get_full_name(),
        "open": load.open,
        "overdue": load.overdue,
        "takes_leads": load.takes_leads,
    }
