"""Kapso as it calls us, and the deliveries that were recorded from it."""

import json
import uuid
from pathlib import Path
from typing import Any, NamedTuple

from django.test import Client

from contacts.models import Workspace
from sarah.kapso.signatures import sign
from sarah.kapso.work import work_due
from sarah.models import KapsoFeed
from tests.factories import WorkspaceFactory

SECRET = "leadsync-example-secret"
RECORDED = Path(__file__).parent / "payloads" / "kapso_webhooks.jsonl"


class Delivery(NamedTuple):
    """A recorded delivery: its name, its headers, and the very bytes that are signed."""

    name: str
    headers: dict[str, str]
    raw: bytes


def text_of(body: Any) -> bytes:
    """A body as Kapso writes it."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def recorded() -> list[Delivery]:
    lines = map(json.loads, RECORDED.read_text().splitlines())
    return [Delivery(one["name"], one["headers"], text_of(one["body"])) for one in lines]


def example(name: str) -> Delivery:
    return next(delivery for delivery in recorded() if delivery.name == name)


class Kapso:
    """A client that signs with the secret of a workspace's feed."""

    def __init__(self, workspace: Workspace | None = None, **settings: Any) -> None:
        self.workspace = workspace or WorkspaceFactory()
        self.feed = KapsoFeed.objects.create(
            workspace=self.workspace, **{"secret": SECRET, **settings}
        )
        self.url = f"/webhooks/kapso/{self.workspace.slug}/"
        self.client = Client()

    def send(self, delivery: Delivery) -> Any:
        """Deliver what was recorded, as it was."""
        return self.client.post(
            self.url, delivery.raw, content_type="application/json", headers=delivery.headers
        )

    def tell(self, event: str, body: Any, *, raw: bytes | None = None, **headers: str) -> Any:
        """Deliver this event, signed."""
        raw = text_of(body) if raw is None else raw
        known = {
            "X-Webhook-Event": event,
            "X-Webhook-Signature": sign(raw, SECRET),
            "X-Idempotency-Key": str(uuid.uuid4()),
        }
        return self.client.post(
            self.url, raw, content_type="application/json", headers=known | headers
        )

    def hears(self, text: str = "Halo", *, phone: str = "6281234567890", **fields: Any) -> Any:
        """Somebody writes."""
        message = {
            "id": f"wamid.{uuid.uuid4().hex}",
            "timestamp": "1795400045",
            "type": "text",
            "from": phone,
            "text": {"body": text},
            "kapso": {"direction": "inbound", "origin": "cloud_api"},
            **fields,
        }
        return self.tell("whatsapp.message.received", {"message": message})


def work_all() -> None:
    """What a worker does until nothing is due."""
    while work_due():
        pass
