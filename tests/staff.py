"""Staff at the admin: a signed-in client, and what it can press there."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from factory import Transformer
from playwright.sync_api import Page

from tests.factories import UserFactory

OVER_PAGE = {"HX-Request": "true"}
BOUNDS = ("SAVEPOINT", "RELEASE", "SET LOCAL", "SELECT set_config")


class Staff:
    """A person of a group (or a superuser) at the admin."""

    def __init__(self, group: str = "", **account: Any) -> None:
        account.setdefault("password", Transformer.Force("!"))  # hashing takes half a second
        self.user: User = UserFactory(group=group, **account)
        self.client = Client()
        self.client.force_login(self.user)

    def sees(self, name: str, *args: object, **query: str) -> str:
        """The text of an admin page, which must be there."""
        page = self.client.get(reverse(f"admin:{name}", args=args), query)
        assert page.status_code == 200, page.status_code
        return page.content.decode()

    def status_of(self, name: str, *args: object) -> int:
        return self.client.get(reverse(f"admin:{name}", args=args)).status_code

    def list_of(self, model: type[Model], **query: str) -> Any:
        """The change list of a page: its rows and counts."""
        options = model._meta
        url = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        return self.client.get(url, query).context["cl"]

    def runs(self, action: str, rows: Iterable[Model], **fields: str) -> Any:
        """Choose an action of a list for these rows; `confirmed="1"` says yes at once."""
        selected = list(rows)
        options = selected[0]._meta
        return self.client.post(
            reverse(f"admin:{options.app_label}_{options.model_name}_changelist"),
            {"action": action, "_selected_action": [row.pk for row in selected], **fields},
            follow=True,
        )

    def confirms(self, action: str, row: Model, **fields: str) -> Any:
        """Send the dialog over a row's page that an action asks with."""
        sent = {"_form_submitted": "True", **fields}
        return self.client.post(action_url(action, row), sent, headers=OVER_PAGE)


def sign_in(page: Page, site: str, user: User) -> Client:
    """Log somebody in, in the browser and in the client that is returned."""
    client = Client()
    client.force_login(user)
    session = client.cookies["sessionid"].value
    page.context.add_cookies([{"name": "sessionid", "value": session, "url": site}])
    return client


def whatsapp_opens(page: Page) -> Any:
    """What is asked of WhatsApp in this block, in a tab of its own."""
    return page.context.expect_event(
        "request", lambda asked: asked.url.startswith("https://wa.me/"), timeout=120_000
    )


def action_url(action: str, row: Model) -> str:
    options = row._meta
    return reverse(f"admin:{options.app_label}_{options.model_name}_{action}", args=[row.pk])


def queries_of(client: Client, url: str) -> int:
    """How many statements a page takes while nothing is remembered, but for time-outs."""
    cache.clear()
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return sum(not query["sql"].startswith(BOUNDS) for query in captured)


def messages_of(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]
