"""Who is affected by a cause: rows with a tick box, of people or of refused messages."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from leadsync.admin.html import ago, temperature_pill
from monitoring.kinds import Kind
from monitoring.models import RefusedBody, SyncFailure, SyncFailureQuerySet
from monitoring.sentences import in_words
from sarah.admin.who import address_of, name_of

SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Somebody who is affected, or a message of which nothing was saved."""

    pk: int
    name: str
    detail: str
    """The phone, or what the message says of itself."""
    known: str = ""
    """What Sarah knows of them."""
    score: int | None = None
    temperature: SafeString | str = ""
    times: int = 1
    last_seen: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    rows: list[Row]
    total: int
    field: str
    """The name of the tick boxes."""

    @property
    def more(self) -> int:
        return self.total - len(self.rows)


def affected_by(failures: SyncFailureQuerySet, *, kind: str) -> Affected:
    """Return whom these open failures are about; of refused messages, those that are kept."""
    if kind == Kind.REJECTED_PAYLOAD:
        bodies = RefusedBody.objects.filter(failure__in=failures)
        newest = bodies.select_related("key__user").order_by("-received_at", "-pk")[:SHOWN]
        rows = [_of_body(body) for body in newest]
        return Affected(rows=rows, total=bodies.count(), field="body")
    related = failures.select_related("state__contact").order_by("-last_seen_at", "-pk")
    rows = [_of_failure(failure) for failure in related[:SHOWN]]
    return Affected(rows=rows, total=failures.count(), field="_selected_action")


def ticked(request: HttpRequest, failures: SyncFailureQuerySet) -> SyncFailureQuerySet:
    """Those of these failures whose box is ticked, or all."""
    if "everybody" in request.POST:
        return failures
    return failures.filter(pk__in=_numbers(request, "_selected_action"))


def ticked_bodies(request: HttpRequest, failures: SyncFailureQuerySet) -> Any:
    bodies = RefusedBody.objects.filter(failure__in=failures)
    if "everybody" in request.POST:
        return bodies
    return bodies.filter(pk__in=_numbers(request, "body"))


def _numbers(request: HttpRequest, field: str) -> list[int]:
    return [int(pk) for pk in request.POST.getlist(field) if pk.isdecimal() and len(pk) < 19]


def _of_failure(failure: SyncFailure) -> Row:
    state: Any = failure.state
    facts = state.extracted_data if state else {}
    name = name_of(state) if state else ""
    where = address_of(state) if state else failure.contact_phone
    return Row(
        pk=failure.pk,
        name=name or where or _("Unknown"),
        detail=where if name else "",
        known=_text(facts, "business_type"),
        score=state.lead_score if state else None,
        temperature=temperature_pill(state.lead_temperature) if state else "",
        times=failure.occurrences,
        last_seen=ago(failure.last_seen_at),
        url=reverse("admin:monitoring_syncfailure_change", args=[failure.pk]),
    )


def _of_body(body: RefusedBody) -> Row:
    return Row(
        pk=body.pk,
        name=body.contact_phone or _("Nobody known"),
        detail=str(body.key) if body.key else "",
        known=in_words(body.error),
        last_seen=ago(body.received_at),
    )


def _text(facts: dict[str, Any], name: str) -> str:
    said = facts.get(name)
    return said[:80] if isinstance(said, str) else ""
