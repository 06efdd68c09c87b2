"""`/api/v1/conversations/`: what Sarah remembers, and the messages she posted, to read."""

import json
from datetime import datetime
from typing import Any, cast

import django_filters
from django.shortcuts import get_object_or_404
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from contacts.models import Workspace
from leadsync.api.errors import error_responses
from leadsync.api.lists import (
    AskedFilterSet,
    Pages,
    PhoneFilter,
    RowSerializer,
    SeveralFilter,
    TimeFilter,
    WorkspaceOfKey,
)
from leadsync.infra.bodies import UnreadableBody, parse_body
from leadsync.models import Scope
from sarah.facts import read_anything
from sarah.models import ConversationState, SarahState, SarahStateQuerySet, StateUpdate

ERRORS = (400, 401, 403, 404, 429, 503)
ID = OpenApiParameter("id", int, OpenApiParameter.PATH)


class ConversationSerializer(RowSerializer):
    """A conversation with Sarah: the last that she told of it."""

    related = {"workspace": "workspace__slug", "lead": "contact"}

    workspace: Any = serializers.SlugRelatedField(
        slug_field="slug", read_only=True, allow_null=True, help_text="Null: not known yet."
    )
    lead: Any = serializers.IntegerField(
        allow_null=True, help_text="The lead's id; null: there is none yet."
    )
    sync_reason: Any = serializers.CharField(help_text="Why it is out of sync; empty if it is not.")

    class Meta:
        model = SarahState
        fields: tuple[str, ...] = (
            *("id", "workspace", "contact_phone", "business_scoped_user_id", "lead"),
            *("state", "lead_score", "lead_temperature", "language", "message_count"),
            *("synced_at", "sync_reason", "paused_until"),
            *("created_at", "updated_at", "last_message_at"),
        )


class ConversationDetailSerializer(ConversationSerializer):
    """A conversation with all facts."""

    extracted_data: Any = serializers.DictField()

    class Meta:
        model = SarahState
        fields = (*ConversationSerializer.Meta.fields, "extracted_data")


class PostedMessageSerializer(RowSerializer):
    """A message that the bot posted, and what came of it."""

    related = {"bot": "key__user__username"}

    bot: Any = serializers.CharField(allow_null=True, help_text="Whose key it came with.")
    body: Any = serializers.DictField(help_text="As it was sent.")
    changes: Any = serializers.DictField(help_text="By field: before and after.")
    outcome: Any = serializers.CharField(help_text="`synced`, or the `syncReason`.")

    class Meta:
        model = StateUpdate
        fields = (
            *("id", "received_at", "bot", "body", "changes", "lead_score", "outcome"),
            *("warnings", "request_id"),
        )

    def to_representation(self, row: Any) -> dict[str, Any]:
        told = super().to_representation(row)
        return told | {"body": _read(told["body"])}


def _read(body: str) -> dict[str, Any]:
    """What was sent; of what no answer can carry, such as a lone surrogate, the rest."""
    try:
        read = parse_body(body.encode())
    except UnreadableBody:  # it had bytes that are no text
        return {}
    try:
        json.dumps(read, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return cast("dict[str, Any]", read_anything(read).value)
    return read


class ConversationFilters(AskedFilterSet):
    phone = PhoneFilter(field_name="contact_phone", help_text="A phone in any spelling.")
    lead = django_filters.NumberFilter(
        field_name="contact", max_value=2**63 - 1, help_text="A lead's id."
    )
    state = SeveralFilter(
        field_name="state",
        choices=ConversationState.choices,
        help_text="One or more: `state=handoff,completed` or repeated.",
    )
    workspace = django_filters.CharFilter(
        field_name="workspace__slug", help_text="The workspace's slug."
    )
    active_since = TimeFilter(
        method="of_activity", help_text="The bot posted since this time, ISO 8601."
    )

    class Meta:
        model = SarahState
        fields: list[str] = []

    def of_activity(
        self, states: SarahStateQuerySet, name: str, value: datetime
    ) -> SarahStateQuerySet:
        return states.active_since(value)


@extend_schema_view(
    list=extend_schema(
        operation_id="conversations_list",
        tags=["conversations"],
        summary="List conversations with Sarah",
        description="On cursor pages, the one that she posted last first. Scope: `leads:read`.",
        responses={200: ConversationSerializer(many=True), **error_responses(*ERRORS)},
    ),
    retrieve=extend_schema(
        operation_id="conversations_retrieve",
        tags=["conversations"],
        summary="Get a conversation with Sarah",
        description="With all facts that she found out. Scope: `leads:read`.",
        filters=False,
        parameters=[ID],
        responses={200: ConversationDetailSerializer, **error_responses(*ERRORS)},
    ),
)
class ConversationViews(ReadOnlyModelViewSet):
    read_scope = write_scope = Scope.LEADS_READ
    filter_backends = [WorkspaceOfKey, DjangoFilterBackend]
    filterset_class = ConversationFilters
    pagination_class = Pages

    def get_serializer_class(self) -> type[ConversationSerializer]:
        return ConversationDetailSerializer if self.detail else ConversationSerializer

    def get_queryset(self) -> Any:
        columns = self.get_serializer_class().columns()
        return SarahState.objects.order_by("-updated_at").values(*columns)

    def in_workspace(self, states: SarahStateQuerySet, workspace: Workspace) -> SarahStateQuerySet:
        return states.filter(workspace=workspace)


@extend_schema_view(
    get=extend_schema(
        operation_id="conversations_messages",
        tags=["conversations"],
        summary="List what Sarah posted in a conversation",
        description="Each message as it was sent, what it changed, and whether it reached the "
        "lead, newest first, on cursor pages. Messages are kept for the days that the "
        "installation sets (90). Scope: `leads:read`.",
        parameters=[ID],
        responses={200: PostedMessageSerializer(many=True), **error_responses(*ERRORS)},
    ),
)
class MessagesView(ListAPIView):
    read_scope = write_scope = Scope.LEADS_READ
    serializer_class = PostedMessageSerializer
    filter_backends: list[Any] = []
    pagination_class = Pages

    def get_queryset(self) -> Any:
        states, workspace = SarahState.objects.all(), self.request.auth.workspace
        seen = states.filter(workspace=workspace) if workspace else states
        state = get_object_or_404(seen, pk=self.kwargs["pk"])
        return state.updates.order_by("-received_at").values(*PostedMessageSerializer.columns())
