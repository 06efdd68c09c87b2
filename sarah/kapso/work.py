"""Works deliveries: reads what each says, and does it."""

import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from contacts.quota import WINDOW
from leadsync.infra.bodies import UnreadableBody, parse_body
from leadsync.infra.db import LOST, is_busy, past_races
from monitoring.kinds import Kind, Source
from monitoring.models.failures import SyncFailure
from sarah.guards import JobFailed, record_failure, run_guarded
from sarah.kapso.effects import Feed, NoRoom, apply
from sarah.kapso.events import Event
from sarah.kapso.reading import BACKFILL, read_delivery
from sarah.models import KapsoDelivery, KapsoFeed

LEASED_AT_ONCE = 20
AT_A_STRETCH = 5.0
"""Seconds for which the worker works deliveries before it looks at its other queue."""
BUSY = timedelta(seconds=10)
"""When to come back to a lead that somebody held for too long."""


class Worked(StrEnum):
    """What became of a delivery."""

    DONE = "worked"
    BROKEN = "broken"
    """It is tried again, with growing pauses."""
    WAITS = "waiting"
    """For a lead that somebody holds, or for room among the leads of an hour."""
    GONE = "gone"


def work_due(stopped: Callable[[], bool] = lambda: False) -> Counter[str] | None:
    """Work what is due, for some seconds at most; None if nothing is."""
    outcomes: Counter[str] = Counter()
    ends_at = time.monotonic() + AT_A_STRETCH
    while time.monotonic() < ends_at and (pks := KapsoDelivery.objects.lease(LEASED_AT_ONCE)):
        for position, pk in enumerate(pks):
            if stopped():
                KapsoDelivery.objects.filter(pk__in=pks[position:]).release()
                return outcomes
            outcomes[work(pk)] += 1
    return outcomes or None


def work(pk: int) -> Worked:
    """Do what a delivery says; what breaks is on record, and is tried again.

    Doing it twice does no harm. Raises only if the database is away.
    """
    delivery = KapsoDelivery.objects.select_related("workspace").filter(pk=pk).first()
    if delivery is None:
        return Worked.GONE
    try:
        return _do(delivery)
    except LOST as error:
        if not is_busy(error):
            raise
        delivery.wait(BUSY, for_room=delivery.waits_for_room)
        return Worked.WAITS


def replay(pk: int) -> Worked:
    """Work a delivery once more, at a person's word."""
    KapsoDelivery.objects.filter(pk=pk).replay()
    return work(pk)


def _do(delivery: KapsoDelivery) -> Worked:
    """Do one event after the other: one that breaks keeps no other from being done."""
    guarded: Any = partial(
        run_guarded,
        what=_name(delivery),
        source=Source.KAPSO,
        workspace_ref=delivery.workspace.slug,
        payload={"delivery": delivery.pk},
    )
    outcomes: set[Worked] = set()
    events: list[Event] = []
    try:
        events = guarded(partial(_events, delivery))
        feed = guarded(partial(_feed_of, delivery))
    except JobFailed:
        outcomes.add(Worked.BROKEN)
    for event in events:
        try:
            outcomes.add(guarded(partial(_apply, event, feed)))
        except JobFailed:
            outcomes.add(Worked.BROKEN)
    return _settle(delivery, outcomes)


def _apply(event: Event, feed: Feed) -> Worked:
    try:
        past_races(partial(apply, event, feed))
    except NoRoom:
        return Worked.WAITS
    return Worked.DONE


def _settle(delivery: KapsoDelivery, outcomes: set[Worked]) -> Worked:
    if Worked.BROKEN in outcomes:
        delivery.mark_broken()
        return Worked.BROKEN
    if delivery.attempts:
        SyncFailure.objects.filter(source=Source.KAPSO, fingerprint=_name(delivery)).heal()
    if Worked.WAITS in outcomes:
        delivery.wait(WINDOW, for_room=True)
        return Worked.WAITS
    delivery.mark_worked()
    return Worked.DONE


def _events(delivery: KapsoDelivery) -> list[Event]:
    """What it says; one that is no JSON says nothing, and a person sees it."""
    try:
        body = parse_body(delivery.body.encode())
    except UnreadableBody as error:
        record_failure(
            kind=Kind.REJECTED_PAYLOAD,
            source=Source.KAPSO,
            error=str(error),
            workspace_ref=delivery.workspace.slug,
            fingerprint=_name(delivery),
            payload={"delivery": delivery.pk},
        )
        return []
    return read_delivery(delivery.event, body, now=delivery.received_at)


def _feed_of(delivery: KapsoDelivery) -> Feed:
    settings = KapsoFeed.objects.filter(workspace=delivery.workspace_id).first()
    return Feed(
        workspace=delivery.workspace,
        creates_leads=settings is not None and settings.creates_leads,
        had_no_room=delivery.waits_for_room,
        is_late=delivery.attempts > 0 or delivery.event == BACKFILL,
    )


def _name(delivery: KapsoDelivery) -> str:
    """Keeps its failures apart from others; no personal data."""
    return f"delivery {delivery.pk}"
