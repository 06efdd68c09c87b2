"""`/api/v1/leads/changes/`: what changed since a cursor; nothing is missed, some comes twice."""

from datetime import UTC, datetime
from typing import Any

from django.core import signing
from django.core.exceptions import ValidationError as InvalidValue
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.api.schema import ERRORS, PAGE_SIZE, WORKSPACE
from contacts.api.serializers import LeadSerializer
from contacts.api.views import MANY
from contacts.changes import Change, Place, Row, changes_after, settled_before
from contacts.models import DEPARTURES_KEPT_FOR
from leadsync.api.errors import error_responses
from leadsync.api.lists import Pages, TimeField, asked_workspace
from leadsync.models import Scope

SALT = "leadsync.changes.cursor"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FOLLOWING = """\
What changed with leads, oldest first. Begin without `since` (everything that is there), or with a
time; then send the `next` of each answer, at once where `more` is true, else after a while. No
change is missed, whoever writes meanwhile; those of the last seconds come again, so take in each
entry as often as it comes. `lead` is the lead as it is now, null if it is gone. Deleted and merged
leads are told for 90 days. Scope: `leads:read`.
"""


class ChangeSerializer(serializers.Serializer[Any]):
    """Something that changed."""

    kind = serializers.ChoiceField(Change.values)
    id = serializers.IntegerField(help_text="Of the lead.")
    at = serializers.DateTimeField()
    details = serializers.DictField(
        help_text="status: `from_status`, `to`, `by`, `actor_kind`, `archive_reason`, `reason`. "
        "merged: `into`, the id of the lead that has everything now."
    )
    lead = LeadSerializer(allow_null=True)


class ChangesSerializer(serializers.Serializer[Any]):
    results = ChangeSerializer(many=True)
    next = serializers.CharField(help_text="What to send as `since` next.")
    more = serializers.BooleanField(help_text="Whether there is more already.")


class ChangesView(APIView):
    read_scope = write_scope = Scope.LEADS_READ

    @extend_schema(
        operation_id="leads_changes",
        tags=["leads"],
        summary="Follow what changes with leads",
        description=FOLLOWING,
        parameters=[
            OpenApiParameter("since", str, description="A `next`, or a time (ISO 8601)."),
            PAGE_SIZE,
            WORKSPACE,
        ],
        responses={200: ChangesSerializer, **error_responses(*ERRORS)},
    )
    def get(self, request: Request) -> Response:
        place, settled = _read(request.query_params.get("since", ""))
        settled = settled or settled_before()
        size = Pages().get_page_size(request) or Pages.page_size
        found = changes_after(place, workspace=asked_workspace(request), size=size + 1)
        page, more = found[:size], len(found) > size
        following = _written(page[-1]["place"], settled) if more else _written((settled, 0, 0))
        return Response({"results": _with_leads(page), "next": following, "more": more})


def _with_leads(page: list[Row]) -> list[Row]:
    ids = {change["id"] for change in page if change["kind"] not in (Change.DELETED, Change.MERGED)}
    to_json = LeadSerializer().to_representation
    leads = {row["id"]: to_json(row) for row in MANY.filter(pk__in=ids)}
    return [
        {name: value for name, value in change.items() if name != "place"}
        | {"lead": leads.get(change["id"])}
        for change in page
    ]


def _written(place: Place, settled: datetime | None = None) -> str:
    """A cursor: the place, and from where to read again once everything behind it is read."""
    at, rank, pk = place
    again = settled and settled.isoformat()
    return signing.dumps([at.isoformat(), rank, pk, again], salt=SALT)


def _read(since: str) -> tuple[Place, datetime | None]:
    if not since:
        return (EPOCH, 0, 0), None
    try:
        at, rank, pk, again = signing.loads(since, salt=SALT)
        place = datetime.fromisoformat(at), rank, pk
    except signing.BadSignature:
        place, again = (_time(since), 0, 0), None
    if place[0] < timezone.now() - DEPARTURES_KEPT_FOR and again is None:
        raise ValidationError(
            {"since": "This is too long ago: leads that are gone are forgotten. Begin without it."}
        )
    return place, datetime.fromisoformat(again) if again else None


def _time(sent: str) -> datetime:
    try:
        moment = TimeField().clean(sent)
    except InvalidValue:
        moment = None
    if moment is None:
        raise ValidationError({"since": "Send a `next` of this list, or a time, ISO 8601."})
    return moment
