"""Connect a bot: from no key to the first message on one page."""

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from leadsync.bots import issue_key
from leadsync.models import ApiKey
from monitoring.models import SyncFailure
from sarah.models import StateUpdate
from tests.bot import PHONE
from tests.factories import MessageFactory, SarahStateFactory, WorkspaceFactory
from tests.staff import Staff, queries_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def operator() -> Staff:
    return Staff("Operators")


def connects(operator: Staff, **fields: Any) -> Any:
    fields = {"workspace": WorkspaceFactory().pk, "bot_name": "sarah-bot"} | fields
    return operator.client.post(reverse("admin:leadsync_apikey_connect"), fields)


def posts(secret: str, **body: Any) -> int:
    headers = {"X-API-Key": secret}
    sent = json.dumps(body)
    return Client(headers=headers).post("/sarah/state", sent, "application/json").status_code


def heard(operator: Staff) -> str:
    key = ApiKey.objects.get()
    return operator.client.get(
        reverse("admin:leadsync_apikey_heard", args=[key.pk])
    ).content.decode()


def test_the_key_is_shown_once_and_the_function_is_ready_to_be_pasted(operator: Staff) -> None:
    answer = connects(operator)

    secret = answer.context["secret"]
    function = answer.context["function"]
    assert answer.headers["Cache-Control"]
    assert f'"X-API-Key": "{secret}"' in function
    assert 'const LEADSYNC = "http://testserver/sarah/state";' in function
    assert 'const WORKSPACE = "default";' in function
    assert "env." not in function
    assert function in unescape(answer.content.decode())
    assert posts(secret, contact_phone=PHONE) == 200
    key = ApiKey.objects.get()
    assert (key.scopes, key.workspace.slug) == ("states:write", "default")
    assert secret not in operator.sees("leadsync_apikey_change", key.pk)
    assert secret not in operator.sees("leadsync_apikey_connect")


def test_the_page_turns_green_with_the_first_message_and_says_what_is_refused(
    operator: Staff,
) -> None:
    secret = connects(operator).context["secret"]
    waiting = heard(operator)
    assert "Waiting for the first message" in waiting
    assert "every 2s" in waiting

    posts(secret, state="handoff")
    Client(headers={"X-API-Key": secret}).get(f"/sarah/state?contact_phone={PHONE}")
    refused = heard(operator)
    assert "contact_phone is required" in refused
    assert f"/admin/monitoring/syncfailure/{SyncFailure.objects.get().pk}/" in refused
    assert "the key works" in refused
    posts(secret, contact_phone=PHONE)

    arrived = heard(operator)
    assert "every 2s" not in arrived
    assert f"/admin/sarah/stateupdate/{StateUpdate.objects.get().pk}/change/" in arrived


def test_the_name_that_is_offered_can_be_given_a_key(operator: Staff) -> None:
    for _ in range(2):
        issue_key("sarah-bot", role="sarah")

    page = operator.sees("leadsync_apikey_connect")
    told = connects(operator).content.decode()

    assert re.search(r'name="bot_name"\s+value="sarah-bot-2"', page)
    assert "sarah-bot has 2 valid keys" in told
    assert ApiKey.objects.count() == 2


def test_a_key_is_made_only_where_one_works_and_by_who_may(operator: Staff) -> None:
    elsewhere = WorkspaceFactory(slug="elsewhere", members=[])

    assert connects(operator, workspace=elsewhere.pk).status_code == 200
    assert connects(Staff("Sales")).status_code == 403

    assert not ApiKey.objects.exists()


def test_each_key_shows_its_last_message_and_the_share_that_fails(operator: Staff) -> None:
    issue_key("sarah-bot", role="sarah", workspace=WorkspaceFactory())
    key, state = ApiKey.objects.get(), SarahStateFactory()
    for outcome in ("synced", "synced", "synced", "sync_error", "contact_not_found"):
        MessageFactory(key=key, state=state, outcome=outcome, received_at=timezone.now())

    page = operator.sees("leadsync_apikey_changelist")

    assert "1 of 5" in page
    assert "20 %" in page
    url = reverse("admin:leadsync_apikey_changelist")
    few = queries_of(operator.client, url)
    issue_key("other-bot", role="sarah", workspace=WorkspaceFactory())
    assert queries_of(operator.client, url) == few
