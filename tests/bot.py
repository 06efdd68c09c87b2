"""A bot as it calls us: real HTTP requests through Django's test client."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from django.test import Client

from contacts.models import Workspace
from leadsync.bots import issue_key

PHONE = "+6281234567890"
BLANK = {
    "state": "greeting",
    "lead_score": 0,
    "lead_temperature": "cold",
    "extracted_data": {},
    "language": "id",
    "message_count": 0,
}
"""What a bot is told of somebody it has not talked to."""

SYNCED = {"success": True, "sync": True}


def not_synced(reason: str) -> dict[str, Any]:
    return {"success": True, "sync": False, "syncReason": reason}


def memory(body: Mapping[str, Any]) -> dict[str, Any]:
    """The six fields of a bot's memory in what it sends or is told."""
    return {name: body[name] for name in BLANK}


class Bot:
    """A client with a key of its own, in the role `sarah` unless another is named."""

    def __init__(
        self, name: str = "sarah-bot", *, role: str = "sarah", workspace: Workspace | None = None
    ) -> None:
        self.key = issue_key(name, role=role, workspace=workspace)
        self.client = Client(headers={"Authorization": f"Bearer {self.key}"})

    def post(self, contact_phone: object = PHONE, /, **fields: Any) -> Any:
        """POST /sarah/state with these fields, as the function nodes do."""
        return self.send(json.dumps({"contact_phone": contact_phone, **fields}))

    def send(self, body: str | bytes, *, content_type: str = "application/json") -> Any:
        """POST /sarah/state with this very body."""
        return self.client.post("/sarah/state", body, content_type=content_type)

    def get(self, contact_phone: str = PHONE, **params: str) -> Any:
        """GET /sarah/state of this phone."""
        query = "".join(f"&{name}={quote(value)}" for name, value in params.items())
        return self.client.get(f"/sarah/state?contact_phone={quote(contact_phone)}{query}")

    def remembers(self, contact_phone: str = PHONE) -> dict[str, Any]:
        """What a GET tells of the six fields."""
        return memory(self.get(contact_phone).json())
