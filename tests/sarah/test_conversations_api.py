"""`/api/v1/conversations/`: what a managing bot reads of the conversations with Sarah."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from sarah.models import SarahState
from tests.bot import Bot
from tests.callers import Caller, visit_all
from tests.factories import ContactFactory, MessageFactory, SarahStateFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

LIST = "/api/v1/conversations/"


@pytest.fixture
def caller() -> Caller:
    return Caller("leads:read")


@pytest.mark.django_db(transaction=True)
def test_a_conversation_is_told_with_its_facts_and_its_messages(bot: Bot, caller: Caller) -> None:
    lead = ContactFactory()
    for count, state in enumerate(("qualifying", "handoff"), start=1):
        bot.post(lead.phone, state=state, message_count=count, extracted_data={"name": "Budi"})

    [told] = caller.read(LIST)["results"]
    detail = caller.read(f"{LIST}{told['id']}/")
    newest, first = caller.read(f"{LIST}{told['id']}/messages/")["results"]

    assert (told["lead"], told["workspace"], told["state"]) == (lead.pk, "default", "handoff")
    assert "extracted_data" not in told
    assert detail == told | {"extracted_data": {"name": "Budi"}}
    assert (newest["body"]["state"], newest["outcome"], newest["bot"]) == (
        *("handoff", "synced", "sarah-bot"),
    )
    assert first["changes"]["state"] == ["greeting", "qualifying"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {1, 2}),
        ({"phone": "0812-3456-7890"}, {1}),
        ({"state": "handoff,completed"}, {2}),
        ({"workspace": "kopi"}, {2}),
        ({"active_since": "2020-01-01T00:00:00Z"}, {1, 2}),
        ({"lead": 0}, set()),
    ],
)
def test_conversations_are_found(caller: Caller, query: dict[str, Any], found: set[int]) -> None:
    SarahStateFactory(pk=1, contact_phone="+6281234567890")
    SarahStateFactory(pk=2, workspace__slug="kopi", state="handoff")

    assert {one["id"] for one in caller.read(LIST, **query)["results"]} == found


@pytest.mark.parametrize("query", [{"phone": "abc"}, {"state": "lost"}, {"lead": "9" * 30}])
def test_an_unusable_filter_is_refused(caller: Caller, query: dict[str, str]) -> None:
    assert caller.get(LIST, query).status_code == 400


def test_a_bound_key_reads_its_workspace_only() -> None:
    kopi = WorkspaceFactory(slug="kopi")
    ours, theirs = SarahStateFactory(workspace=kopi), SarahStateFactory()
    unresolved = SarahStateFactory(workspace=None)
    for state in (ours, theirs, unresolved):
        MessageFactory(state=state)
    bound = Caller("leads:read", workspace=kopi)

    assert [one["id"] for one in bound.read(LIST)["results"]] == [ours.pk]
    for state, status in ((ours, 200), (theirs, 404), (unresolved, 404)):
        for path in (f"{LIST}{state.pk}/", f"{LIST}{state.pk}/messages/"):
            assert bound.get(path).status_code == status
    assert bound.get(LIST, {"workspace": "default"}).status_code == 403


def test_pages_of_messages_visit_each_once_and_a_broken_body_breaks_none(caller: Caller) -> None:
    state = SarahStateFactory()
    at = timezone.now() - timedelta(hours=1)
    bodies = ("{}", "not json", "[]", '{"a": 1}', '{"a":' * 9_000, '{"a":' * 900 + "1" + "}" * 900)
    for body in (*bodies, '{"a": "\\ud800"}', '{"\\ud800": [NaN, 1e999]}', f'{{"a": {"9" * 99}}}'):
        MessageFactory(state=state, body=body, received_at=at)

    rows = visit_all(caller, f"{LIST}{state.pk}/messages/?page_size=2")

    assert len({row["id"] for row in rows}) == 9
    assert all(isinstance(row["body"], dict) for row in rows)
    assert SarahState.objects.count() == 1
