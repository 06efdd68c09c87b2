"""Sends the messages about leads: at once, or after a person's quiet hours, or many as one."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from contacts.models import Contact
from monitoring.alerts.deliver import FIRST_DELAY, GOES_ON, LEASE, MAX_ATTEMPTS, attempt
from monitoring.models import LeadMessage, NotificationPreferences
from monitoring.notices.find import find_events
from monitoring.notices.texts import message_about, summary_of

SINGLY = 3
"""More messages than that to one person at once become one summary."""
MOST, WITHIN = 5, timedelta(minutes=10)
"""After so many in that time, the next waits so long, and becomes a summary with what follows."""
AT_ONCE = 500


def tell(*, stopped: Callable[[], bool] = lambda: False) -> int:
    """Find what happened and send what is due, for about ten seconds; returns how many events were
    told. Safe to run in several workers at once."""
    find_events()
    told, started = 0, time.monotonic()
    while not stopped() and time.monotonic() < started + GOES_ON and (batch := _lease()):
        told += _send(batch)
    return told


def _lease() -> list[LeadMessage]:
    """Lease all due messages to the person and channel whose turn it is, and count the attempt."""
    with transaction.atomic():
        free = LeadMessage.objects.due().select_for_update(skip_locked=True, of=("self",))
        first = free.order_by("next_attempt_at", "pk").first()
        if first is None:
            return []
        same = free.filter(person=first.person_id, channel=first.channel).order_by("pk")
        related = ("person", "event__contact__workspace", "event__contact__assigned_to")
        batch = list(same.select_related(*related)[:AT_ONCE])
        LeadMessage.objects.filter(pk__in=[message.pk for message in batch]).update(
            next_attempt_at=Now() + LEASE, attempts=F("attempts") + 1
        )
    return batch


def _send(batch: list[LeadMessage]) -> int:
    """Send what is still news to its reader; what is not is dropped."""
    person = batch[0].person
    preferences = NotificationPreferences.of(person)
    news = _news_of(batch, preferences) if person.is_active else []
    _update([one for one in batch if one not in news], next_attempt_at=None)
    if not news:
        return 0
    if later := _not_before(news, preferences):
        _update(news, next_attempt_at=later, attempts=F("attempts") - 1)
        return 0
    if len(news) > SINGLY:
        events = [one.event for one in news]
        return _attempt(news, lambda: summary_of(events, preferences), preferences)
    return sum(
        _attempt([one], lambda one=one: message_about(one.event, preferences), preferences)  # type: ignore[misc]
        for one in news
    )


def _news_of(batch: list[LeadMessage], preferences: NotificationPreferences) -> list[LeadMessage]:
    """Those that are still so, and that this person may see and wants to hear this way."""
    person, events = preferences.user, [one.event for one in batch]
    leads = Contact.objects.filter(pk__in={event.contact_id for event in events})
    visible = set(leads.visible_to(person).values_list("pk", flat=True))
    return [
        one
        for one, event in zip(batch, events, strict=True)
        if event.contact_id in visible
        and event.is_news_to(person)
        and one.channel in preferences.channels_for(event.kind)
    ]


def _not_before(news: list[LeadMessage], preferences: NotificationPreferences) -> datetime | None:
    """Until when the person wants quiet, or has been told enough; None: send now."""
    now, first = timezone.now(), news[0]
    zone = first.event.contact.workspace.work_time.zone
    if quiet := preferences.quiet_end(now, zone):
        return quiet
    sent = LeadMessage.objects.filter(person=first.person_id, channel=first.channel)
    lately = sent.filter(delivered_at__gt=now - WITHIN).order_by("delivered_at")
    times: list[Any] = [at for at, _same in groupby(lately.values_list("delivered_at", flat=True))]
    return times[-MOST] + WITHIN if len(times) >= MOST else None


def _attempt(
    messages: list[LeadMessage], write: Callable[[], object], preferences: NotificationPreferences
) -> int:
    first = messages[0]
    first.settings = preferences
    error = attempt(first, write())  # type: ignore[arg-type]
    wait = FIRST_DELAY * 4**first.attempts
    is_last = first.attempts + 1 >= MAX_ATTEMPTS
    _update(
        messages,
        delivered_at=None if error else Now(),
        next_attempt_at=Now() + wait if error and not is_last else None,
        error=error,
    )
    return 0 if error else len(messages)


def _update(messages: list[LeadMessage], **values: object) -> None:
    if messages:
        LeadMessage.objects.filter(pk__in=[one.pk for one in messages]).update(**values)
