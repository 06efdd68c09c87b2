"""Sends an event to ourselves, as Kapso would."""

import uuid

from sarah.kapso.reading import TEST
from sarah.kapso.receive import store
from sarah.kapso.work import Worked, work
from sarah.models import KapsoFeed

BODY = b'{"test":true}'


def send_test(feed: KapsoFeed) -> Worked:
    """Store a test event and work it; returns what became of it. It changes no lead."""
    headers = {"X-Webhook-Event": TEST, "X-Idempotency-Key": str(uuid.uuid4())}
    delivery = store(feed, BODY, headers, is_taken=True)
    feed.see(TEST)
    return work(delivery) if delivery else Worked.GONE
