"""Receives a delivery: stored and committed, then answered, and worked at once where quick."""

import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from threading import BoundedSemaphore

from django.db import IntegrityError, connection

from leadsync.infra.db import LOST
from leadsync.infra.waits import bounded_waits
from sarah.kapso.signatures import delivery_key
from sarah.kapso.work import work
from sarah.models import KapsoDelivery, KapsoFeed
from sarah.models.feeds import MAX_EVENT

MAX_BODY = 1024 * 1024
"""Bytes; Kapso batches at most 100 messages."""
QUICK = 64 * 1024
"""Bytes that are worked while Kapso waits."""
SQLITE_WAIT_MS = 1000
"""For the only writer that SQLite has; Kapso sends again what could not be stored."""
SOON = 0.5
"""Seconds: if storing it took longer, the database is busy, and Kapso waits no longer."""
TAKEN = timedelta(seconds=10)
"""How long the worker leaves it to the request."""
EVERY = 0.2
"""Seconds between two deliveries that a process works in a request."""
_at_work = BoundedSemaphore(1)
"""Of the deliveries that come in at the same time, a process works one; the worker has the others.
Bots wait for the same threads, and for the same interpreter."""
_worked_at = 0.0


def receive(feed: KapsoFeed, raw: bytes, headers: Mapping[str, str]) -> int | None:
    """Commit a delivery, and return its key; None if it came before.

    Raises OperationalError or InterfaceError if it could not be committed: Kapso sends it again.
    """
    started = time.monotonic()
    is_quick = len(raw) <= QUICK and _takes_turn()
    try:
        delivery = store(feed, raw, headers, is_taken=is_quick)
        with suppress(*LOST):
            feed.see(headers.get("X-Webhook-Event", "Meta"))
        with suppress(*LOST):  # it is safe: whatever happens here, the worker works it later
            if delivery and is_quick and time.monotonic() - started < SOON:
                work(delivery)
    finally:
        if is_quick:
            _at_work.release()
    return delivery


def _takes_turn() -> bool:
    """Whether this request may work its delivery; it then releases `_at_work`."""
    global _worked_at  # noqa: PLW0603 (of the process)
    if not _at_work.acquire(blocking=False):
        return False
    now = time.monotonic()
    if now - _worked_at < EVERY:
        _at_work.release()
        return False
    _worked_at = now
    return True


def store(feed: KapsoFeed, raw: bytes, headers: Mapping[str, str], *, is_taken: bool) -> int | None:
    """Insert the delivery; one that is taken already is left alone by the worker for a while."""
    delivery = KapsoDelivery(
        workspace_id=feed.workspace_id,
        idempotency_key=delivery_key(raw, headers),
        event=headers.get("X-Webhook-Event", "")[:MAX_EVENT].replace("\x00", ""),
        body=raw.decode("utf-8", "replace").replace("\x00", ""),
    )
    if is_taken:
        delivery.take(TAKEN)
    try:
        with bounded_waits(SQLITE_WAIT_MS if connection.vendor == "sqlite" else None):
            delivery.save(force_insert=True)
    except IntegrityError:
        return None
    return delivery.pk
