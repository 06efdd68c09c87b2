"""`/api/v1/leads/`: leads for bots."""

from typing import Any

from django.shortcuts import get_object_or_404
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.generics import ListAPIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from contacts.api.filters import LeadFilters
from contacts.api.schema import describe_chat_view, describe_lead_views
from contacts.api.serializers import (
    ChatMessageSerializer,
    LeadDetailSerializer,
    LeadSerializer,
    NoteSerializer,
    StatusChangeSerializer,
)
from contacts.api.visible import visible_leads
from contacts.identity import addresses_of
from contacts.models import ChatMessage, Contact, ContactQuerySet, Note, StatusChange, Workspace
from leadsync.api.json import RowsRenderer
from leadsync.api.lists import Pages, WorkspaceOfKey
from leadsync.models import Scope

MAX_HISTORY = 50
LEADS = Contact.objects.with_standing().order_by("-last_activity_at")
# Built once: naming the columns takes a tenth of the time of a page.
MANY = LEADS.values(*LeadSerializer.columns())
ONE = LEADS.values(*LeadDetailSerializer.columns())


@describe_chat_view
class ChatView(ListAPIView):
    read_scope = write_scope = Scope.LEADS_READ
    serializer_class = ChatMessageSerializer
    filter_backends: list[Any] = []
    pagination_class = Pages
    renderer_classes = [RowsRenderer]

    def get_queryset(self) -> Any:
        lead = get_object_or_404(visible_leads(self.request), pk=self.kwargs["pk"])
        chat = ChatMessage.objects.of(*addresses_of(lead), workspace_id=lead.workspace_id)
        return chat.with_status().order_by("-sent_at").values(*ChatMessageSerializer.columns())


@describe_lead_views
class LeadViews(ReadOnlyModelViewSet):
    read_scope, write_scope = Scope.LEADS_READ, Scope.LEADS_WRITE
    renderer_classes = [RowsRenderer]
    filter_backends = [WorkspaceOfKey, DjangoFilterBackend]
    filterset_class = LeadFilters
    pagination_class = Pages

    def get_serializer_class(self) -> type[LeadSerializer]:
        return LeadDetailSerializer if self.detail else LeadSerializer

    def get_queryset(self) -> Any:
        return (ONE if self.detail else MANY).all()

    def get_object(self) -> Any:
        return super().get_object() | {
            "status_changes": self._newest(StatusChange, StatusChangeSerializer),
            "notes": self._newest(Note, NoteSerializer),
        }

    def in_workspace(self, leads: ContactQuerySet, workspace: Workspace) -> ContactQuerySet:
        return leads.filter(workspace=workspace)

    def _newest(self, model: Any, serializer: Any) -> list[dict[str, Any]]:
        rows = model.objects.filter(contact=self.kwargs["pk"])
        return list(rows.values(*serializer.columns())[:MAX_HISTORY])
