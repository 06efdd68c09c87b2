"""`/api/v1/leads/today/`: whom to call first, and why."""

from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.models import Temperature
from contacts.today import Entry, whom_to_call
from contacts.why_now import Reason
from contacts.workflow import LeadStatus
from leadsync.api.errors import error_responses
from leadsync.models import Scope

SHOWN = 100


class PartsSerializer(serializers.Serializer):
    """What the priority is made of."""

    score = serializers.FloatField(help_text="0 to 40: the lead's score.")
    contact = serializers.FloatField(help_text="0 to 30: how long nobody has contacted it.")
    decay = serializers.FloatField(help_text="0 to 20: its silence against its status's patience.")
    urgency = serializers.FloatField(help_text="0 to 10: its urgency, and words of hurry.")


class EntrySerializer(serializers.Serializer):
    """A lead to call."""

    id = serializers.IntegerField(help_text="Of the lead.")
    workspace = serializers.CharField()
    name = serializers.CharField()
    phone = serializers.CharField(allow_null=True)
    lead_status = serializers.ChoiceField(LeadStatus.choices)
    lead_score = serializers.IntegerField()
    lead_temperature = serializers.ChoiceField(Temperature.choices)
    assigned_to = serializers.CharField(allow_null=True)
    answer_by = serializers.DateTimeField(allow_null=True)
    reason = serializers.ChoiceField(Reason.choices)
    why = serializers.CharField(help_text="A sentence.")
    priority = serializers.IntegerField(help_text="0 to 100.")
    parts = PartsSerializer()


class TodaySerializer(serializers.Serializer):
    results = EntrySerializer(many=True)


class TodayView(APIView):
    read_scope = write_scope = Scope.LEADS_READ

    @extend_schema(
        operation_id="leads_today",
        tags=["leads"],
        summary="List whom to call first",
        description="Up to 100 leads, the most urgent first: overdue response clocks, next steps "
        "due, hot leads handed over and not contacted, re-engaged ones, qualified ones gone quiet. "
        "Scope: `leads:read`.",
        parameters=[
            OpenApiParameter("assigned_to", description="A user name: only what is that person's.")
        ],
        responses={200: TodaySerializer, **error_responses(400, 401, 403, 404, 429, 503)},
    )
    def get(self, request: Request) -> Response:
        person = _person(request.query_params.get("assigned_to", "").replace("\x00", ""))
        entries = whom_to_call(now=timezone.now(), workspace=request.auth.workspace, person=person)
        return Response({"results": [_json(entry) for entry in entries[:SHOWN]]})


def _person(name: str) -> User | None:
    person = User.objects.filter(username=name).first() if name else None
    if name and person is None:
        raise ValidationError({"assigned_to": "There is no person with this user name."})
    return person


def _json(entry: Entry) -> dict[str, Any]:
    lead = entry.lead
    return {
        "id": lead.pk,
        "workspace": lead.workspace.slug,
        "name": lead.shown_name,
        "phone": lead.phone,
        "lead_status": lead.lead_status,
        "lead_score": lead.lead_score,
        "lead_temperature": lead.lead_temperature,
        "assigned_to": lead.assigned_to.username if lead.assigned_to else None,
        "answer_by": lead.answer_by,
        "reason": entry.reason.value,
        "why": entry.why,
        "priority": entry.priority.total,
        "parts": {name: round(part, 1) for name, part in asdict(entry.priority).items()},
    }
