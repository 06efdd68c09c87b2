"""Operators make keys in the admin, and narrow and widen them."""

import re
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadsync.admin import key_form, keys
from leadsync.bots import BotError, issue_key
from leadsync.models import ApiKey
from tests.factories import WorkspaceFactory
from tests.staff import Staff

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

ADD = "admin:leadsync_apikey_add"


@pytest.fixture
def operator() -> Staff:
    return Staff("Operators")


def makes(staff: Staff, **fields: Any) -> Any:
    form = {"bot_name": "grok-bot", "scopes": ["leads:read"], "workspace": "", **fields}
    return staff.client.post(reverse(ADD), form)


def changes(staff: Staff, key: ApiKey, **fields: Any) -> Any:
    form = {"scopes": key.scopes.split(), "workspace": key.workspace_id or "", **fields}
    return staff.client.post(reverse("admin:leadsync_apikey_change", args=[key.pk]), form)


def status_for(secret: str, path: str) -> int:
    return Client().get(path, headers={"X-API-Key": secret}).status_code


def test_a_key_made_in_the_admin_is_shown_once_and_opens_what_was_chosen(operator: Staff) -> None:
    answer = makes(operator, scopes=["failures:read", "leads:read"])

    (secret,) = re.findall(r"ls_[\w-]{51}", answer.content.decode())
    key = ApiKey.objects.get()
    assert (key.user.username, key.scopes) == ("grok-bot", "leads:read failures:read")
    assert not key.user.has_usable_password()
    assert [status_for(secret, f"/api/v1/{name}/") for name in ("leads", "sync-failures")] == [
        *(200, 200)
    ]
    assert status_for(secret, "/sarah/state?contact_phone=62812345678") == 403
    assert "no-store" in answer["Cache-Control"]
    pages = [
        operator.sees("leadsync_apikey_changelist"),
        operator.sees("leadsync_apikey_change", key.pk),
    ]
    assert not [page for page in pages if secret in page]


def test_a_key_can_be_bound_to_a_workspace_and_a_time(operator: Staff) -> None:
    shop = WorkspaceFactory(slug="shop")
    tomorrow = timezone.localtime() + timedelta(days=1)
    when = {"expires_at_0": f"{tomorrow:%Y-%m-%d}", "expires_at_1": f"{tomorrow:%H:%M:%S}"}

    makes(operator, workspace=shop.pk, **when)

    key = ApiKey.objects.get()
    assert (key.workspace, key.expires_at) == (shop, tomorrow.replace(microsecond=0))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"bot_name": "Grok Bot"}, "is no bot name"),
        ({"bot_name": "ani"}, "is a person&#x27;s account"),
        ({"bot_name": "off-bot"}, "is switched off"),
        ({"bot_name": "busy-bot"}, "has 2 valid keys"),
        ({"scopes": []}, "This field is required"),
        ({"scopes": ["leads:own"]}, "is not one of the available choices"),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "Choose a time to come"),
    ],
)
def test_what_cannot_be_made_is_explained(operator: Staff, fields: Any, told: str) -> None:
    User.objects.create_user("ani", password="secret")
    for name in ("off-bot", "busy-bot", "busy-bot"):
        issue_key(name, role="sarah")
    User.objects.filter(username="off-bot").update(is_active=False)

    answer = makes(operator, **fields)

    assert told in answer.content.decode()
    assert ApiKey.objects.count() == 3


def test_of_two_operators_who_make_the_last_key_at_once_one_is_told(
    operator: Staff, monkeypatch
) -> None:
    def too_late(name: str, **options: Any) -> str:
        monkeypatch.undo()
        error = BotError("%(name)s has %(limit)d valid keys.", name)
        monkeypatch.setattr(key_form, "check_name", Mock(side_effect=error))
        raise error

    monkeypatch.setattr(keys, "issue_scoped_key", too_late)

    assert "grok-bot has 2 valid keys" in makes(operator).content.decode()


@pytest.mark.parametrize(
    ("scopes", "status"), [(["failures:read"], 403), (["leads:read", "states:write"], 200)]
)
def test_a_key_is_narrowed_and_widened_from_the_next_request_on(
    operator: Staff, scopes: list[str], status: int
) -> None:
    secret = issue_key("grok-bot", role="manager")
    key = ApiKey.objects.get()

    changes(operator, key, scopes=scopes)

    key.refresh_from_db()
    assert set(key.scopes.split()) == set(scopes)
    assert status_for(secret, "/api/v1/leads/") == status
    assert operator.user.username in operator.sees("leadsync_apikey_history", key.pk)


def test_a_revoked_key_stays_as_it_was_and_none_is_deleted(operator: Staff) -> None:
    issue_key("grok-bot", role="manager")
    key = ApiKey.objects.get()
    ApiKey.objects.all().revoke()

    answer = changes(operator, key, scopes=["states:write"])

    assert answer.status_code == 403
    assert ApiKey.objects.get().scopes == key.scopes
    assert Staff(is_superuser=True).status_of("leadsync_apikey_delete", key.pk) == 403


def test_sales_make_no_keys() -> None:
    assert Staff("Sales").status_of("leadsync_apikey_add") == 403
