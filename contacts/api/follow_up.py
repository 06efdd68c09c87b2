"""`/api/v1/leads/{id}/follow-up/`: what bots plan for a lead, signed with their account."""

from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from contacts.api.assign import member
from contacts.api.schema import ERRORS, ID, WRITING
from contacts.api.visible import visible_leads
from contacts.api.writes import LeadWriteView
from contacts.models import MAX_STEP, AuthorKind, Contact, FollowUp, Outcome
from contacts.worktime import Soon
from leadsync.api.errors import error_responses
from leadsync.api.idempotency import IDEMPOTENCY_KEY, once
from leadsync.api.json import said_in
from leadsync.models import Scope

CLOSING = (Outcome.DONE, Outcome.DROPPED)
PLANNING = """\
A lead has at most one open next step. With `when` or `due_at` it is planned; one that is open gives
way, and what is left out (`text`, `assigned_to`) stays as it was. With `outcome` the open one is
closed. The answer is the open step, or null. Scope: `leads:write`.
"""


class AskedStepSerializer(serializers.Serializer):
    """A next step to plan, or what became of the open one."""

    text = serializers.CharField(required=False, max_length=MAX_STEP)
    when = serializers.ChoiceField(
        [soon.value for soon in Soon],
        required=False,
        help_text="The morning of a working day of the workspace.",
    )
    due_at = serializers.DateTimeField(required=False)
    assigned_to = serializers.CharField(
        required=False,
        help_text="User name of a member of the lead's workspace; without it, who the lead is "
        "assigned to.",
    )
    outcome = serializers.ChoiceField([one.value for one in CLOSING], required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len({"when", "due_at", "outcome"} & set(attrs)) != 1:
            raise serializers.ValidationError("Send one of when, due_at and outcome.")
        return attrs


class StepSerializer(serializers.Serializer):
    """A next step."""

    text = serializers.CharField()
    due_at = serializers.DateTimeField()
    assigned_to = serializers.CharField(allow_null=True)
    created_by = serializers.CharField()


class AnswerSerializer(serializers.Serializer):
    follow_up = StepSerializer(allow_null=True)


class FollowUpView(LeadWriteView):
    read_scope = Scope.LEADS_READ

    @extend_schema(
        operation_id="leads_next_step",
        tags=["leads"],
        summary="Tell a lead's next step",
        description="The open step, or null; the closed ones are in the timeline. "
        "Scope: `leads:read`.",
        parameters=[ID],
        responses={200: AnswerSerializer, **error_responses(*ERRORS)},
    )
    def get(self, request: Request, pk: str) -> Response:
        lead = get_object_or_404(visible_leads(request), pk=pk)
        return Response({"follow_up": _open_step(lead)})

    @extend_schema(
        operation_id="leads_follow_up",
        tags=["leads"],
        summary="Plan or close a lead's next step",
        description=PLANNING,
        parameters=[ID, IDEMPOTENCY_KEY],
        request=AskedStepSerializer,
        responses={200: AnswerSerializer, **error_responses(*WRITING)},
    )
    def post(self, request: Request, pk: str) -> Response:
        said = said_in(request, AskedStepSerializer)
        return once(request, lambda: self._write(said))

    def _write(self, said: dict[str, Any]) -> Response:
        leads = visible_leads(self.request).select_related("workspace")
        lead: Contact = get_object_or_404(leads, pk=self.kwargs["pk"])
        steps = FollowUp.objects.filter(contact=lead)
        if outcome := said.get("outcome"):
            steps.close(Outcome(outcome), by=self.bot)
        else:
            former = steps.open().first()
            FollowUp.objects.plan(
                lead,
                text=said.get("text") or (former.text if former else "Contact again"),
                due_at=_due(said, lead),
                whose=member(said.get("assigned_to"), lead),
                by=self.bot,
                kind=AuthorKind.BOT,
            )
        return Response({"follow_up": _open_step(lead)})


def _due(said: dict[str, Any], lead: Contact) -> datetime:
    if "when" in said:
        return lead.workspace.work_time.soon(Soon(said["when"]), timezone.now())
    due_at: datetime = said["due_at"]
    return due_at


def _open_step(lead: Contact) -> dict[str, Any] | None:
    return _json(lead.follow_ups.open().select_related("assigned_to").first())


def _json(step: FollowUp | None) -> dict[str, Any] | None:
    if step is None:
        return None
    return {
        "text": step.text,
        "due_at": step.due_at,
        "assigned_to": step.assigned_to.username if step.assigned_to else None,
        "created_by": step.created_by,
    }
