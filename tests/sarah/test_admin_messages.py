"""Staff find out what a bot sent, when, and with which key."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from leadsync.models import ApiKey
from sarah.models import StateUpdate
from tests.bot import PHONE, Bot
from tests.callers import Caller
from tests.factories import MessageFactory, SarahStateFactory, SyncFailureFactory
from tests.staff import Staff, queries_of

pytestmark = pytest.mark.django_db

FAILURE = "admin:monitoring_syncfailure_change"
LIST = "sarah_stateupdate_changelist"
PAGE = "sarah_stateupdate_change"


@pytest.fixture
def messages() -> dict[str, StateUpdate]:
    Caller("states:write", name="leaked-bot")
    now = timezone.now()
    return {
        "leaked": MessageFactory(key=ApiKey.objects.get(), outcome="sync_error"),
        "old": MessageFactory(received_at=now - timedelta(days=8), request_id="request-8"),
        "budi": MessageFactory(state=SarahStateFactory(contact_phone="+6281234567890")),
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"leaked", "old", "budi"}),
        ({"received": "7d"}, {"leaked", "budi"}),
        ({"outcome__exact": "sync_error"}, {"leaked"}),
        ({"key": "KEY"}, {"leaked"}),
        ({"q": "request-8"}, {"old"}),
        ({"q": "nothing like it"}, set()),
    ],
)
def test_messages_are_found(messages: dict, query: dict, found: set) -> None:
    if "key" in query:
        query = {"key": str(ApiKey.objects.get().pk)}

    rows = Staff("Operators").list_of(StateUpdate, **query).result_list

    assert {row.pk for row in rows} == {messages[name].pk for name in found}


def test_the_page_shows_what_was_said_and_what_it_changed() -> None:
    message = MessageFactory(
        body='{"lead_score": 75, "note": "<script>"}',
        changes={"lead_score": [20, 75], "extracted_data.goals": [None, "sell <b>more</b>"]},
        warnings={"language": "language is not one of id, en; we left it out."},
    )

    page = Staff("Sales").sees(PAGE, message.pk)

    for shown in ("&lt;script&gt;", "Goals", "sell &lt;b&gt;more", "we left it out"):
        assert shown in page
    assert "<script>&quot;" not in page


def test_a_conversation_shows_its_messages() -> None:
    message = MessageFactory(changes={"extracted_data.goals": [None, "sell"]}, lead_score=64)

    page = Staff("Sales").sees("sarah_sarahstate_change", message.state_id)

    assert reverse(f"admin:{PAGE}", args=[message.pk]) in page
    assert "64" in page


def test_a_key_leads_to_what_came_with_it(messages: dict) -> None:
    staff = Staff("Operators")

    page = staff.sees("leadsync_apikey_change", ApiKey.objects.get().pk)

    link = f"{reverse(f'admin:{LIST}')}?key={ApiKey.objects.get().pk}"
    assert link in page
    assert [row.pk for row in staff.client.get(link).context["cl"].result_list] == [
        messages["leaked"].pk
    ]


def test_a_message_is_found_by_the_time_in_its_requests_id(bot: Bot) -> None:
    sent = bot.post(PHONE)["X-Request-ID"]

    with CaptureQueriesContext(connection) as statements:
        page = Staff("Sales").client.get(reverse(f"admin:{LIST}"), {"q": sent})

    [found] = page.context["cl"].result_list
    by_id = [one["sql"] for one in statements if f"'{sent}'" in one["sql"]]
    assert found.request_id == sent
    assert by_id
    assert all('"received_at" BETWEEN' in sql for sql in by_id)


def test_a_failure_and_the_message_that_failed_lead_to_each_other() -> None:
    state = SarahStateFactory()
    failure = SyncFailureFactory(state=state, occurrences=1234, request_id="request-9")
    message = MessageFactory(
        state=state, outcome="sync_error", failure_group=failure.group, request_id="request-9"
    )
    staff = Staff("Sales")

    pages = {
        failure: staff.sees("monitoring_syncfailure_change", failure.pk),
        message: staff.sees(PAGE, message.pk),
    }

    assert f'href="{reverse(f"admin:{PAGE}", args=[message.pk])}"' in pages[failure]
    assert f'href="{reverse(FAILURE, args=[failure.pk])}"' in pages[message]
    assert "1,234" in pages[failure]


def test_an_empty_list_says_what_it_waits_for_or_that_a_filter_made_it_so() -> None:
    staff = Staff("Sales")

    assert "Sarah has not sent anything yet." in staff.sees(LIST)
    assert "Nothing matches the filters or the search." in staff.sees(LIST, received="7d")


def test_the_page_of_a_conversation_reads_its_tables_once() -> None:
    state = SarahStateFactory()
    SyncFailureFactory(state=state)
    MessageFactory(state=state)
    url = reverse("admin:sarah_sarahstate_change", args=[state.pk])

    assert queries_of(Staff("Sales").client, url) <= 11
