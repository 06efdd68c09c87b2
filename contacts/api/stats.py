"""`/api/v1/leads/stats/`: numbers of leads."""

from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.api.schema import describe_stats_view
from contacts.models import Workspace
from contacts.numbers import numbers_of
from leadsync.api.lists import refuse_foreign
from leadsync.models import Scope


@describe_stats_view
class StatsView(APIView):
    read_scope = write_scope = Scope.LEADS_READ

    def get(self, request: Request) -> Response:
        return Response(numbers_of(asked_workspace(request), now=timezone.now()))


def asked_workspace(request: Request) -> Workspace | None:
    """The key's workspace, or the one that is named; None: all."""
    slug = request.query_params.get("workspace", "")
    own: Workspace | None = request.auth.workspace
    refuse_foreign(own, slug)
    if own or not slug:
        return own
    if found := Workspace.objects.filter(slug=slug.replace("\x00", "")).first():
        return found
    raise ValidationError({"workspace": "There is no workspace with this slug."})
