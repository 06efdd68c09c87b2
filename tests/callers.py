"""Clients of the read API, each with a key of its own."""

from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from contacts.models import Workspace
from leadsync import keys
from leadsync.models import ApiKey


class Caller(Client):
    """Calls with a key of these scopes, as the bot `name`; answers are read as JSON."""

    def __init__(
        self, *scopes: str, name: str = "grok-bot", workspace: Workspace | None = None
    ) -> None:
        key = keys.generate()
        ApiKey.objects.create(
            user=User.objects.get_or_create(username=name)[0],
            digest=keys.digest(key),
            prefix=keys.shown_part(key),
            scopes=" ".join(scopes),
            workspace=workspace,
            last_used_at=timezone.now(),  # else the first request writes it down
        )
        super().__init__(headers={"X-API-Key": key})

    def read(self, path: str, **query: Any) -> Any:
        """The JSON at `path`, which is there."""
        answer = self.get(path, query)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def send(self, path: str, body: Any = None) -> Any:
        """POST this as JSON."""
        return self.post(path, body, content_type="application/json")


def visit_all(caller: Caller, url: str | None, link: str = "next") -> list[dict[str, Any]]:
    """The rows of all pages from `url` on, as a caller sees them who follows the links."""
    rows = []
    while url:
        page = caller.get(url).json()
        rows.extend(page["results"])
        url = page[link]
    return rows
