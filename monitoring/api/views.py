"""`/api/v1/sync-failures/`: failures for bots that watch over the sync."""

from typing import Any

from django.utils.datastructures import MultiValueDict
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.utils import translate_validation
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from contacts.models import Workspace
from leadsync.api.errors import NotPossible
from leadsync.api.json import LimitedJSONParser, said_in
from leadsync.api.lists import Pages, WorkspaceOfKey, refuse_foreign
from leadsync.models import Scope
from monitoring.api.filters import SyncFailureFilters
from monitoring.api.schema import (
    describe_resolve,
    describe_resolve_many,
    describe_retry,
    describe_sync_failure_views,
)
from monitoring.api.serializers import (
    ResolutionSerializer,
    SelectionSerializer,
    SyncFailureDetailSerializer,
    SyncFailureSerializer,
)
from monitoring.kinds import HEALED_BY_SYNC
from monitoring.models import SyncFailure, SyncFailureQuerySet
from sarah.resolve import resolve_failures
from sarah.retry import retry_failures


@describe_sync_failure_views
class SyncFailureViews(ReadOnlyModelViewSet):
    read_scope, write_scope = Scope.FAILURES_READ, Scope.FAILURES_WRITE
    queryset = SyncFailure.objects.order_by("-last_seen_at")
    filter_backends = [WorkspaceOfKey, DjangoFilterBackend]
    filterset_class = SyncFailureFilters
    pagination_class = Pages
    parser_classes = [LimitedJSONParser]

    def get_serializer_class(self) -> type[SyncFailureSerializer]:
        return SyncFailureDetailSerializer if self.detail else SyncFailureSerializer

    def get_queryset(self) -> Any:
        return super().get_queryset().values(*self.get_serializer_class().columns())

    def in_workspace(
        self, failures: SyncFailureQuerySet, workspace: Workspace
    ) -> SyncFailureQuerySet:
        return failures.filter(workspace_ref=workspace.slug)

    @describe_resolve
    def resolve(self, request: Request, pk: str) -> Response:
        """Resolve one failure."""
        said = said_in(request, ResolutionSerializer)
        failure = self.get_object()
        resolved = self._resolve(self._visible().filter(pk=pk), note=said["note"])
        if not resolved:
            raise NotPossible(_resolved_already(failure))
        return Response({"resolved": resolved})

    @describe_resolve_many
    def resolve_many(self, request: Request) -> Response:
        """Resolve the selected open failures."""
        said = said_in(request, SelectionSerializer)
        note = said.pop("note")
        return Response({"resolved": self._resolve(self._selected(said), note=note)})

    @describe_retry
    def retry(self, request: Request, pk: str) -> Response:
        """Retry the failure's conversation now."""
        failure = self.get_object()
        failures = self._visible().filter(pk=pk)
        if not failures.retryable().exists():
            raise NotPossible(_not_to_be_retried(failure))
        tried = retry_failures(failures, by=request.user.get_username())
        return Response({"synced": bool(tried.synced)})

    def _resolve(self, failures: SyncFailureQuerySet, *, note: str) -> int:
        return resolve_failures(failures, by=self.request.user.get_username(), note=note)

    def _visible(self) -> Any:
        """Return the failures that this key may see."""
        return WorkspaceOfKey().filter_queryset(self.request, SyncFailure.objects.all(), self)

    def _selected(self, selection: dict[str, Any]) -> Any:
        """The failures that match the selection; raises ValidationError if it is empty."""
        if not any(selection.values()):
            raise ValidationError(
                "Say which: ids, kind, source, workspace, phone, since, before, or all."
            )
        refuse_foreign(self.request.auth.workspace, selection.get("workspace", ""))
        values = {name: _as_list(value) for name, value in selection.items()}
        chosen = SyncFailureFilters(
            MultiValueDict(values), queryset=self._visible(), request=self.request
        )
        if not chosen.is_valid():
            raise translate_validation(chosen.errors)
        return chosen.qs.filter(pk__in=selection["ids"]) if "ids" in selection else chosen.qs


def _as_list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | set) else [value]


def _resolved_already(failure: dict[str, Any]) -> str:
    by = f" by {failure['resolved_by']}" if failure["resolved_by"] else ""
    return f"This failure is resolved already{by}."


def _not_to_be_retried(failure: dict[str, Any]) -> str:
    if failure["resolved_at"]:
        return _resolved_already(failure)
    why = "it belongs to no conversation"
    if failure["kind"] not in HEALED_BY_SYNC:
        why = "it is about what the bot sent"
    return f"This failure cannot be retried: {why}. Correct what is wrong, then resolve it."
