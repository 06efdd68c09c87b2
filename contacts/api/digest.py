"""`/api/v1/leads/digest/`: the day or week of the leads in a WhatsApp message."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone, translation
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from contacts.api.schema import describe_digest_view
from contacts.api.serializers import DigestQuerySerializer
from contacts.api.visible import visible_leads
from contacts.models import Contact, Standing, Workspace
from contacts.text import plain
from leadsync.api.lists import asked_workspace
from leadsync.models import Scope
from monitoring.kinds import Kind
from monitoring.models import SyncFailure

PERIODS = {"day": timedelta(days=1), "week": timedelta(days=7)}
NAMED = 3
"""Leads of a kind that are named; of the rest it says how many they are."""
MAX_NAME, MAX_NEED = 30, 40


@describe_digest_view
class DigestView(APIView):
    read_scope = write_scope = Scope.LEADS_READ

    def get(self, request: Request) -> Response:
        query = DigestQuerySerializer(data=request.query_params)
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        workspace, leads = asked_workspace(request), visible_leads(request)
        if workspace:
            leads = leads.filter(workspace=workspace)
        with translation.override(asked["language"]):
            text = digest(leads, workspace, period=asked["period"], now=timezone.now())
        return Response({"text": text})


def digest(leads: Any, workspace: Workspace | None, *, period: str, now: datetime) -> str:
    """Return the text in the active language, under 800 characters whatever people are called."""
    since = now - PERIODS[period]
    title = _("Leads, last 24 hours") if period == "day" else _("Leads, last 7 days")
    lines = [
        f"*{title}*",
        _new(leads, since, period),
        *_waiting(leads, now),
        *_hot(leads, since),
        *_failed(workspace),
    ]
    return "\n".join(lines)


def _new(leads: Any, since: datetime, period: str) -> str:
    added = leads.added_since(since - PERIODS[period])
    before = added.filter(created_at__lt=since).count()
    count = added.filter(created_at__gte=since).count()
    told = {"count": count, "before": before}
    if not count:
        return _("No new leads (%(before)d before).") % told
    text = ngettext(
        "%(count)d new lead (%(before)d before).", "%(count)d new leads (%(before)d before).", count
    )
    return text % told


def _waiting(leads: Any, now: datetime) -> Iterator[str]:
    waiting = leads.standing(Standing.HANDED_OVER)
    if count := waiting.count():
        yield _how_many_wait(count, late=waiting.overdue().count())
        for lead in waiting.order_by("-lead_score", "status_changed_at")[:NAMED]:
            waits = timesince(lead.status_changed_at, now, depth=1).replace("\xa0", " ")
            since = _("for %s") % waits
            yield f"• {_described(lead)}, {since}"
    else:
        yield _("Nobody waits for a person.")


def _how_many_wait(count: int, *, late: int) -> str:
    told = {"count": count, "late": late}
    if late:
        text = ngettext(
            "%(count)d waits for a person, for too long:",
            "%(count)d wait for a person, %(late)d of them for too long:",
            count,
        )
        return text % told
    text = ngettext("%(count)d waits for a person:", "%(count)d wait for a person:", count)
    return text % told


def _hot(leads: Any, since: datetime) -> Iterator[str]:
    """Those that are not named among the waiting ones."""
    hot = leads.hot().active_since(since).with_standing().exclude(standing=Standing.HANDED_OVER)
    if count := hot.count():
        yield ngettext("%d more is hot:", "%d more are hot:", count) % count
        yield from (f"• {_described(lead)}" for lead in hot.order_by("-lead_score", "pk")[:NAMED])


def _failed(workspace: Workspace | None) -> Iterator[str]:
    """Who writes and is no lead yet is news, and no failure."""
    here = Q(workspace_ref=workspace.slug) if workspace else Q()
    failures = SyncFailure.objects.filter(here)
    strangers = failures.open().filter(kind=Kind.CONTACT_NOT_FOUND).count()
    failed = failures.to_deal_with().count()
    if strangers:
        text = ngettext(
            "%d person who is no lead yet writes to Sarah: add them in LeadSync.",
            "%d people who are no leads yet write to Sarah: add them in LeadSync.",
            strangers,
        )
        yield text % strangers
    if failed:
        text = ngettext(
            "%d sync failure waits for somebody: look at it in LeadSync.",
            "%d sync failures wait for somebody: look at them in LeadSync.",
            failed,
        )
        yield text % failed
    if not (strangers or failed):
        yield _("Everything Sarah heard has reached its lead.")


def _described(lead: Contact) -> str:
    name = plain(lead.shown_name, MAX_NAME) or lead.phone or "–"  # noqa: RUF001
    need = plain(lead.business_type, MAX_NEED)
    return f"{name} ({lead.lead_score}{f', {need}' if need else ''})"
