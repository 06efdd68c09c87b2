"""`/api/v1/leads/stats/`: numbers of leads."""

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.api.schema import describe_stats_view
from contacts.numbers import numbers_of
from leadsync.api.lists import asked_workspace
from leadsync.models import Scope


@describe_stats_view
class StatsView(APIView):
    read_scope = write_scope = Scope.LEADS_READ

    def get(self, request: Request) -> Response:
        return Response(numbers_of(asked_workspace(request), now=timezone.now()))
