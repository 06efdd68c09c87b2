"""Tells a person what healed because of the lead or workspace that they saved."""

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import ngettext

from leadsync.admin.navigation import forget_open_failures
from monitoring.models import Resolution, SyncFailure


class TellsHealed:
    """For pages whose rows conversations wait for."""

    def waiting_for(self, saved: Any) -> Q:
        """Return which failures may wait for this row."""
        raise NotImplementedError

    def response_add(self, request: HttpRequest, obj: Model, *args: Any) -> HttpResponse:
        self._tell_later(request, obj)
        return super().response_add(request, obj, *args)  # type: ignore[misc]

    def response_change(self, request: HttpRequest, obj: Model) -> HttpResponse:
        self._tell_later(request, obj)
        return super().response_change(request, obj)  # type: ignore[misc]

    def _tell_later(self, request: HttpRequest, obj: Model) -> None:
        """Tell after the commit, when what waited has been retried (`sarah/signals.py`)."""
        healed = SyncFailure.objects.filter(
            self.waiting_for(obj), resolution=Resolution.HEALED, resolved_at__gte=timezone.now()
        )
        transaction.on_commit(lambda: _tell(request, healed.count()), robust=True)


def _tell(request: HttpRequest, count: int) -> None:
    if count:
        forget_open_failures()
        text = ngettext(
            "%d failure that waited for this is closed now.",
            "%d failures that waited for this are closed now.",
            count,
        )
        messages.success(request, text % count)
