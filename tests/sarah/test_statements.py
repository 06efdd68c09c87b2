"""What a request costs: every statement it sends to PostgreSQL, BEGIN and COMMIT included.

The targets stand in DESIGN 4. A list here is the proof, and the place to look when one is missed.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Workspace
from leadsync.models import ApiKey
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, WorkspaceFactory
from tests.faults import LEADS, postgresql, refusing

pytestmark = [pytest.mark.django_db(transaction=True), postgresql]

KEY = ["SELECT apikey"]
WORKSPACE = ["SELECT workspace"]
OPENED = ["BEGIN", "SET LOCAL", "SELECT sarahstate"]
PLAIN = [*OPENED, "UPDATE sarahstate", "SELECT contact"]
GUARDED = [*OPENED, "SAVEPOINT", "UPDATE sarahstate", "SELECT contact"]
GUARDED_FIRST = [*OPENED, "SAVEPOINT", "INSERT sarahstate", "SELECT contact"]
OUT_OF_SYNC = ["UPDATE sarahstate"]
JOURNALLED = ["SAVEPOINT", "INSERT stateupdate", "RELEASE"]
COUNTED = ["SAVEPOINT", "SELECT failuregroup", "UPDATE syncfailure", "RELEASE"]
RECORDED = [
    "SAVEPOINT",
    "SELECT failuregroup",
    "UPDATE syncfailure",
    "INSERT syncfailure",
    "SELECT syncfailure",  # the limit's check
    "RELEASE",
]
LOOKED_AGAIN = ["SELECT contact"]
NOT_FOUND = ["RELEASE", *OUT_OF_SYNC]
RAISED = ["UPDATE contact", "ROLLBACK TO", "RELEASE", *OUT_OF_SYNC]

STRANGER = "+6281234567899"

CONTROL = re.compile(r"BEGIN|COMMIT|SAVEPOINT|RELEASE|ROLLBACK TO|ROLLBACK|SET LOCAL")
TABLE = re.compile(r'(?:FROM|INTO|UPDATE) "[a-z]+_(\w+)"(?! U\d)')  # U0: a subquery's


def named(sql: str) -> str:
    """A statement in two words, such as `SELECT contact`."""
    if control := CONTROL.match(sql):
        return control[0]
    table = TABLE.search(sql)
    assert table, sql
    return f"{sql.partition(' ')[0]} {table[1]}"


@contextmanager
def statements() -> Iterator[list[str]]:
    """The statements of the block, known when it is left."""
    names: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield names
    names += [named(query["sql"]) for query in captured]


@pytest.fixture
def bound_bot() -> Bot:
    """A bot with a key for the workspace."""
    return used_lately(Bot(workspace=WorkspaceFactory()))


@pytest.fixture
def free_bot() -> Bot:
    """A bot with a key for all workspaces."""
    return used_lately(Bot("free-bot"))


def used_lately(bot: Bot) -> Bot:
    """The use of a key is written once a minute, outside of what is counted here."""
    bot.get()
    return bot


@pytest.fixture
def _lead() -> None:
    ContactFactory(phone=PHONE)


# Messages of a known lead


@pytest.mark.usefixtures("_lead")
def test_what_a_message_that_changes_facts_costs(bound_bot: Bot) -> None:
    bound_bot.post(extracted_data={"goals": "sell more"})

    with statements() as sent:
        bound_bot.post(extracted_data={"goals": "sell much more"})

    assert sent == [*KEY, *PLAIN, "UPDATE contact", "INSERT stateupdate", "COMMIT"]
    assert len(sent) == 9


@pytest.mark.usefixtures("_lead")
def test_what_a_message_that_moves_the_status_costs(bound_bot: Bot) -> None:
    bound_bot.post(state="qualifying")

    with statements() as sent:
        bound_bot.post(state="handoff", lead_score=80)

    moved = ["UPDATE contact", "INSERT statuschange"]
    assert sent == [*KEY, *PLAIN, *moved, "INSERT stateupdate", "COMMIT"]
    assert len(sent) == 10


@pytest.mark.usefixtures("_lead")
def test_a_message_without_news_writes_nothing_to_the_lead(bound_bot: Bot) -> None:
    bound_bot.post(lead_score=80)

    with statements() as sent:
        bound_bot.post(lead_score=80)

    assert sent == [*KEY, *PLAIN, "INSERT stateupdate", "COMMIT"]
    assert len(sent) == 8


@pytest.mark.usefixtures("_lead")
@pytest.mark.parametrize("ref", [{}, {"workspace_id": "default"}], ids=["implied", "named"])
def test_a_workspace_to_look_up_costs_a_statement_more(free_bot: Bot, ref: dict[str, str]) -> None:
    WorkspaceFactory()
    free_bot.post(extracted_data={"goals": "sell more"})

    with statements() as sent:
        free_bot.post(extracted_data={"goals": "sell much more"}, **ref)

    begun, looked_up, rest = sent[1:3], sent[3:4], sent[4:]
    assert (begun, looked_up) == (["BEGIN", "SET LOCAL"], WORKSPACE)
    assert [*begun, *rest] == [*PLAIN, "UPDATE contact", "INSERT stateupdate", "COMMIT"]


@pytest.mark.usefixtures("_lead")
def test_of_several_workspaces_the_implied_one_is_found_under_a_guard(free_bot: Bot) -> None:
    WorkspaceFactory(slug="other")
    free_bot.post(extracted_data={"goals": "sell more"})

    with statements() as sent:
        free_bot.post(extracted_data={"goals": "sell much more"})

    guarded = ["SAVEPOINT", "SET LOCAL", *WORKSPACE, "RELEASE"]
    assert sent[3:8] == [*WORKSPACE, *guarded]
    assert len(sent) == 14


@pytest.mark.usefixtures("_lead")
def test_a_first_message_costs_a_statement_more(bound_bot: Bot) -> None:
    with statements() as sent:
        bound_bot.post(lead_score=80)

    # The last one links the lead. It cannot be linked earlier: the foreign key's check at COMMIT
    # would wait for whoever holds the lead.
    linked = ["UPDATE contact", "UPDATE sarahstate"]
    assert sent == [*KEY, *GUARDED_FIRST, *linked, "RELEASE", *JOURNALLED, "COMMIT"]
    assert len(sent) == 14


def test_what_a_message_of_an_opted_out_lead_costs(bound_bot: Bot) -> None:
    ContactFactory(phone=PHONE, opted_out=True)
    bound_bot.post(lead_score=80)

    with statements() as sent:
        bound_bot.post(lead_score=85)

    assert sent == [*KEY, *GUARDED, *OUT_OF_SYNC, "RELEASE", *JOURNALLED, "COMMIT"]
    assert len(sent) == 13


def test_a_message_of_a_test_number_costs_no_look_at_the_leads(bound_bot: Bot) -> None:
    Workspace.objects.update(test_numbers=[PHONE])
    bound_bot.post(lead_score=80)

    with statements() as sent:
        bound_bot.post(lead_score=85)

    excluded = [*GUARDED[:-1], *OUT_OF_SYNC, "RELEASE"]
    assert sent == [*KEY, *excluded, *JOURNALLED, "COMMIT"]
    assert len(sent) == 12


def test_what_creating_the_lead_costs(bound_bot: Bot) -> None:
    Workspace.objects.update(creates_contacts=True)

    with statements() as sent:
        bound_bot.post(lead_score=80)

    # The first of these looks whether numbers flood in, the last one locks.
    created = ["SELECT contact", "INSERT contact", "SELECT contact"]
    linked = ["UPDATE contact", "UPDATE sarahstate"]
    assert sent == [
        *KEY,
        *GUARDED_FIRST,
        *created,
        *linked,
        "RELEASE",
        *JOURNALLED,
        "COMMIT",
    ]


# Messages that do not reach their lead


def test_what_a_message_in_a_flood_costs(bound_bot: Bot) -> None:
    Workspace.objects.update(creates_contacts=True, max_created_per_hour=1)
    ContactFactory(source="sarah")
    bound_bot.post()

    with statements() as sent:
        bound_bot.post()

    flooded = [*GUARDED, "SELECT contact", "RELEASE", *OUT_OF_SYNC]
    assert sent == [*KEY, *flooded, *COUNTED, *JOURNALLED, "COMMIT", *LOOKED_AGAIN]


def test_what_a_message_of_an_unknown_lead_costs(bound_bot: Bot) -> None:
    bound_bot.post()

    with statements() as sent:
        bound_bot.post()

    assert sent == [*KEY, *GUARDED, *NOT_FOUND, *COUNTED, *JOURNALLED, "COMMIT", *LOOKED_AGAIN]
    assert len(sent) == 18


def test_what_a_first_message_of_an_unknown_lead_costs(bound_bot: Bot) -> None:
    bound_bot.post(STRANGER)  # the first failure of a kind also makes its group

    with statements() as sent:
        bound_bot.post()

    assert sent == [
        *KEY,
        *GUARDED_FIRST,
        *NOT_FOUND,
        *RECORDED,
        *JOURNALLED,
        "COMMIT",
        *LOOKED_AGAIN,
    ]
    assert len(sent) == 20


@pytest.mark.usefixtures("_lead")
def test_what_a_message_whose_sync_raises_costs(bound_bot: Bot) -> None:
    with refusing(LEADS):
        bound_bot.post(lead_score=80)

        with statements() as sent:
            bound_bot.post(lead_score=85)

    assert sent == [*KEY, *GUARDED, *RAISED, *COUNTED, *JOURNALLED, "COMMIT"]
    assert len(sent) == 19


@pytest.mark.usefixtures("_lead")
def test_what_a_first_sync_that_raises_costs(bound_bot: Bot) -> None:
    ContactFactory(phone=STRANGER)
    bound_bot.post(lead_score=80)

    with refusing(LEADS):
        bound_bot.post(STRANGER, lead_score=80)
        with statements() as sent:
            bound_bot.post(lead_score=85)

    first_try = [*PLAIN, "UPDATE contact", "ROLLBACK"]
    assert sent == [*KEY, *first_try, *GUARDED, *RAISED, *RECORDED, *JOURNALLED, "COMMIT"]
    assert len(sent) == 28


@pytest.mark.usefixtures("_lead")
def test_what_a_message_that_heals_costs(bound_bot: Bot) -> None:
    with refusing(LEADS):
        bound_bot.post(lead_score=80)

    with statements() as sent:
        bound_bot.post(lead_score=80)

    healed = ["UPDATE contact", "UPDATE syncfailure", "UPDATE sarahstate"]
    assert sent == [*KEY, *GUARDED, *healed, "RELEASE", *JOURNALLED, "COMMIT"]
    assert len(sent) == 15


# Reading


@pytest.mark.usefixtures("_lead")
@pytest.mark.parametrize("phone", [PHONE, STRANGER], ids=["known", "unknown"])
def test_what_a_get_costs(bound_bot: Bot, free_bot: Bot, phone: str) -> None:
    bound_bot.post()

    for bot in (bound_bot, free_bot):
        with statements() as sent:
            bot.get(phone)
        assert sent == ["SELECT apikey", "SELECT sarahstate"]


@pytest.mark.usefixtures("_lead")
def test_a_get_that_names_a_workspace_looks_it_up_unless_the_key_knows_it(
    bound_bot: Bot, free_bot: Bot
) -> None:
    bound_bot.post()

    with statements() as sent_bound:
        bound_bot.get(workspace_id="default")
    with statements() as sent_free:
        free_bot.get(workspace_id="default")

    assert sent_bound == ["SELECT apikey", "SELECT sarahstate"]
    assert sent_free == ["SELECT apikey", "SELECT workspace", "SELECT sarahstate"]


# Who is refused


@pytest.mark.parametrize("key", ["", "junk", "ls_junk"])
def test_a_junk_key_costs_nothing(client: Client, key: str) -> None:
    with statements() as sent:
        client.get("/sarah/state", headers={"X-API-Key": key})

    assert sent == []


def test_the_use_of_a_key_is_written_once_a_minute(bound_bot: Bot) -> None:
    ApiKey.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))

    with statements() as first:
        bound_bot.get()
    with statements() as second:
        bound_bot.get()

    assert first == ["SELECT apikey", "UPDATE apikey", "SELECT sarahstate"]
    assert second == ["SELECT apikey", "SELECT sarahstate"]
