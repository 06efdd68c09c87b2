"""A person sees, counts and changes nothing of a workspace that they are no member of: each page,
action, address and route of the API is found by itself and tried."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import time_machine
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.core.cache import cache
from django.db import connection, transaction
from django.test import Client, RequestFactory

from contacts.models import Workspace
from leadsync.bots import issue_scoped_key
from leadsync.models import FailedLogin, Scope
from monitoring.models import Heartbeat, SyncRun
from tests.factories import UserFactory
from tests.walk import PHONES, Rows, addresses, as_seen, belonging, filled_in, plant

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.one_database,  # each page ten times, of which no statement is a database's own
]

MINE, THEIRS = "melati", "canarywort"
ABOUT_ALL = {SyncRun, Heartbeat, FailedLogin}
NOT_OURS = ("/static/", "/i18n/", "/healthz", "/readyz", "/metrics", "/webhooks/", "/admin/logout")


@pytest.fixture(autouse=True)
def still() -> Iterator[None]:
    with time_machine.travel("2026-11-23 10:00 +0700", tick=False):
        yield


@pytest.fixture
def person() -> User:
    """Somebody who may do everything that is no superuser's, in one of two workspaces."""
    may_all, _ = Group.objects.get_or_create(name="May all")
    may_all.permissions.set(Permission.objects.all())
    return UserFactory(username="ani", group="May all", workspaces=[])


@pytest.fixture
def mine(person: User) -> Rows:
    return plant("kopi", MINE, member=person)


@pytest.fixture
def client(person: User) -> Client:
    client = Client(raise_request_exception=True)
    client.force_login(person)
    return client


@pytest.fixture
def key(mine: Rows) -> dict[str, str]:
    home: Any = mine[Workspace]
    secret = issue_scoped_key("watcher", scopes=list(Scope), workspace=home)
    return {"Authorization": f"Bearer {secret}"}


def looked_at(mine: Rows) -> Iterator[str]:
    """All addresses that one can look at: of no row, or of one's own."""
    for address, _page in addresses():
        if address.startswith(NOT_OURS) or "(" in address:
            continue
        if "{" not in address:
            yield address
        elif own := filled_in(address, mine):
            yield own
    for words in (THEIRS, PHONES[0]):
        yield f"/admin/palette/?q={words.replace('+', '%2B')}"
    for model, page in admin.site._registry.items():
        options = model._meta
        for words in (THEIRS, PHONES[0]):
            yield f"/admin/{options.app_label}/{options.model_name}/?q={words.replace('+', '%2B')}"
        for field in page.autocomplete_fields:
            asked = f"app_label={options.app_label}&model_name={options.model_name}"
            yield f"/admin/autocomplete/?{asked}&field_name={field}&term="


def seen(client: Client, key: dict[str, str], mine: Rows) -> dict[str, str]:
    pages = {}
    for address in looked_at(mine):
        with transaction.atomic():
            pages[address] = as_seen(tried_out(client, key, "get", address))
            transaction.set_rollback(True)
    return pages


def test_nothing_of_another_workspace_is_seen_or_counted(client, key, mine) -> None:
    before = seen(client, key, mine)

    theirs = plant("batik", THEIRS)

    after = seen(client, key, mine)
    assert [address for address in before if before[address] != after[address]] == []
    assert sum(page.startswith("200") for page in after.values()) > 60
    assert set(belonging()) - set(theirs) == ABOUT_ALL


def test_no_address_leads_to_a_row_of_another_workspace(client, key, mine) -> None:
    theirs = plant("batik", THEIRS)
    left = kept(theirs)

    tried = 0
    for address, _page in addresses():
        if not (foreign := filled_in(address, theirs)):
            continue
        for method in ("get", "post"):
            with unchanged(theirs, left):
                answer = tried_out(client, key, method, foreign)
            assert answer.status_code in (302, 400, 403, 404, 405), f"{method} {foreign}"
            assert THEIRS not in as_seen(answer), foreign
            tried += 1
    assert tried > 100


def test_no_button_changes_anything_in_another_workspace(client, key, mine, person) -> None:
    theirs = plant("batik", THEIRS)
    left = kept(theirs)
    request = RequestFactory().get("/")
    request.user = person

    for model, page in admin.site._registry.items():
        address = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for action in page.get_actions(request):
            for across in ("0", "1"):
                chosen = {
                    "action": action,
                    "_selected_action": [theirs[model].pk] if model in theirs else ["1"],
                    "select_across": across,
                    **SAID,
                }
                with unchanged(theirs, left):
                    as_seen(tried_out(client, key, "post", address, chosen))
    for address in looked_at(mine):
        if "?" not in address and address not in COMMITTING:
            with unchanged(theirs, left):
                as_seen(tried_out(client, key, "post", address))


COMMITTING = ("/sarah/state", "/sarah/state/")
"""They commit on a connection of their own; `test_authentication.py` is about them."""
SAID = {
    "confirmed": "1",
    "_form_submitted": "True",
    "post": "yes",
    "archive_reason": "price",
    "reason": "Because.",
    "status": "archived",
    "note": "",
    "hours": "1",
    "text": "Word.",
    "kind": "note",
    "soon": "tomorrow",
    "when": "tomorrow",
}


def tried_out(client, key, method: str, address: str, said: Any = SAID) -> Any:
    is_api = address.startswith(("/api/", "/sarah/"))
    cache.clear()
    if method == "get":
        return client.get(address, headers=key if is_api else {})
    if is_api:
        body = {**said, "all": True, "contact_phone": PHONES[0]}
        return client.post(address, body, content_type="application/json", headers=key)
    return client.post(address, said)


@contextmanager
def unchanged(theirs: Rows, left: dict[Any, Any]) -> Iterator[None]:
    """No row of the other workspace is; whatever else is written does not stay."""
    written: list[str] = []
    tables = {f'"{model._meta.db_table}"' for model in theirs}

    def note(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and sql.split('"', 3)[1] in tables:
            written.append(sql)
        return execute(sql, *rest)

    with transaction.atomic(), connection.execute_wrapper(note):
        yield
        assert not written or kept(theirs) == left, written
        transaction.set_rollback(True)


def kept(theirs: Rows) -> dict[Any, Any]:
    """All rows of the other workspace."""
    return {
        model: list(model._base_manager.filter(pk=row.pk).values()) for model, row in theirs.items()
    }
