"""What the product is compared with: bare views with one raw statement, and views as a beginner of
DRF writes them."""

import json
from typing import Any

from django.db import connection, transaction
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.decorators.csrf import csrf_exempt
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer
from rest_framework.views import APIView

from contacts.models import Contact
from leadsync.keys import digest
from leadsync.models import ApiKey
from sarah.models import SarahState


@csrf_exempt
def floor_post(request: HttpRequest) -> JsonResponse:
    body = json.loads(request.body)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE sarah_sarahstate SET extracted_data = %s WHERE contact_phone = %s",
            [json.dumps(body["extracted_data"]), body["contact_phone"]],
        )
    return JsonResponse({"success": True})


def floor_get(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, lead_score, lead_temperature, extracted_data::text, language, "
            "message_count FROM sarah_sarahstate WHERE contact_phone = %s",
            [request.GET["contact_phone"]],
        )
        return JsonResponse({"state": cursor.fetchone()})


def floor_list(request: HttpRequest) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, phone, name, business_type, lead_score, lead_temperature, lead_status, "
            "last_activity_at, created_at, updated_at FROM contacts_contact "
            "ORDER BY last_activity_at DESC LIMIT 50"
        )
        return JsonResponse({"results": cursor.fetchall()})


class NaiveState(SarahState):
    """The same table, but saving does not sync: the receiver listens to its own model only."""

    class Meta:
        proxy = True
        app_label = "sarah"


class NaiveLead(Contact):
    class Meta:
        proxy = True
        app_label = "contacts"


class NaiveSerializer(ModelSerializer):
    class Meta:
        model = NaiveState
        fields = (
            "contact_phone",
            "state",
            "lead_score",
            "lead_temperature",
            "extracted_data",
            "language",
            "message_count",
        )


class TokenAuthentication(BaseAuthentication):
    """One query for the key and its user, as DRF's own does it."""

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        sent = digest(request.headers["Authorization"].removeprefix("Bearer "))
        try:
            key = ApiKey.objects.select_related("user").get(digest=sent)
        except ApiKey.DoesNotExist:
            raise AuthenticationFailed from None
        return key.user, key


class NaiveView(APIView):
    """Saves the state and nothing else."""

    authentication_classes = [TokenAuthentication]
    permission_classes = [IsAuthenticated]

    def post(self, request: Request) -> Response:
        serializer = NaiveSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.save(serializer.validated_data)
        return Response(serializer.data)

    def save(self, values: dict[str, Any]) -> None:
        NaiveState.objects.update_or_create(
            contact_phone=values["contact_phone"], defaults=dict(values)
        )


class NaiveSyncView(NaiveView):
    """Saves the state and copies it to the lead, in one transaction."""

    def save(self, values: dict[str, Any]) -> None:
        with transaction.atomic():
            super().save(values)
            lead = NaiveLead.objects.get(phone=values["contact_phone"])
            lead.goals = values["extracted_data"]["goals"]
            lead.lead_score = values["lead_score"]
            lead.save()


floors = [path("post", floor_post), path("get", floor_get), path("list", floor_list)]
urlpatterns = [
    path("floor/", include(floors)),
    path("bare/", include(floors)),
    path("naive/post", NaiveView.as_view()),
    path("naive/sync", NaiveSyncView.as_view()),
    path("", include("leadsync.urls")),
]
