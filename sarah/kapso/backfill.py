"""Fetches what the webhooks missed: conversations and their messages, stored as deliveries.

They go the way of all deliveries, so nothing is done twice: a message is known by its wamid.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from contacts.models import Workspace
from sarah.kapso.api import KapsoApi, Row
from sarah.kapso.reading import BACKFILL
from sarah.kapso.values import line, moment
from sarah.kapso.work import work
from sarah.models import KapsoDelivery


@dataclass(slots=True, kw_only=True)
class Filled:
    """What has come in so far."""

    conversations: int = 0
    messages: int = 0
    new: int = 0

    def __str__(self) -> str:
        return f"{self.conversations} conversations, {self.messages} messages, {self.new} new."


def backfill(
    workspace: Workspace, api: KapsoApi, filled: Filled, *, since: datetime | None
) -> Iterator[None]:
    """Fetch a workspace's conversations and messages; yields after each conversation.

    Where it is broken off, the next run goes on: the place is kept beside the database.
    """
    place = _Place(workspace, since)
    query = {"phone_number_id": workspace.kapso_phone_number_id or ""}
    if since:
        query["last_active_after"] = since.isoformat()
    for page in api.pages("conversations", after=place.after, **query):
        for conversation in page.rows:
            _take(workspace, {"conversation": conversation}, filled)
            for messages in api.pages("messages", conversation_id=line(conversation.get("id"))):
                for message in messages.rows:
                    filled.messages += 1
                    _take(workspace, {"message": message, "conversation": conversation}, filled)
                if since and _are_older(messages.rows, since):
                    break
            filled.conversations += 1
            yield
        place.keep(page.after)
    for contacts in api.pages("contacts"):  # last: names go to leads that are there
        for contact in contacts.rows:
            _take(workspace, {"contact": contact}, filled)
    place.forget()


class _Place:
    """How far a backfill has come."""

    def __init__(self, workspace: Workspace, since: datetime | None) -> None:
        name = f"backfill-{workspace.slug}.json"
        self.file = Path(settings.VAR_DIR) / name
        self.kind = "all" if since is None else "since"
        self.after = ""
        with suppress(OSError, ValueError):
            kept = json.loads(self.file.read_text())
            self.after = kept["after"] if kept.get("kind") == self.kind else ""

    def keep(self, after: str) -> None:
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.file.write_text(json.dumps({"kind": self.kind, "after": after}))

    def forget(self) -> None:
        self.file.unlink(missing_ok=True)


def _are_older(messages: list[Row], since: datetime) -> bool:
    """Whether the next page, which is older, has nothing that was asked for."""
    now = timezone.now()
    return any(moment(one.get("timestamp"), now=now) < since for one in messages)


def _take(workspace: Workspace, said: Row, filled: Filled) -> None:
    """Store it as a delivery, once, and work it."""
    body = json.dumps(said, ensure_ascii=False)
    delivery = KapsoDelivery(
        workspace=workspace,
        idempotency_key=sha256(f"{BACKFILL} {body}".encode("utf-8", "replace")).hexdigest(),
        event=BACKFILL,
        body=body.encode("utf-8", "replace").decode().replace("\x00", ""),
    )
    with suppress(IntegrityError), transaction.atomic():
        delivery.save(force_insert=True)
        filled.new += 1
    if delivery.pk:
        work(delivery.pk)
