"""What a request costs: every statement it sends to PostgreSQL, BEGIN and COMMIT included.

The targets stand in DESIGN 4. A list here is the proof, and the place to look when one is missed.
"""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

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
OPENED = ["BEGIN", "SELECT sarahstate"]  # with SET LOCAL before it
WRITTEN = ["WITH stateupdate", "COMMIT"]
"""All that a known lead's message changes, its journal row included."""
PLAIN = [*OPENED, *WRITTEN]
FIRST_TRY = [*OPENED, "WITH stateupdate", "ROLLBACK"]
NOT_IN_ORDER = [*OPENED, "SELECT sarahstate"]
GUARDED = ["SAVEPOINT", "UPDATE sarahstate", "SELECT contact"]
GUARDED_FIRST = [*NOT_IN_ORDER, "SAVEPOINT", "INSERT sarahstate", "SELECT contact"]
OUT_OF_SYNC = ["UPDATE sarahstate"]
JOURNALLED = ["SAVEPOINT", "INSERT stateupdate", "RELEASE", "COMMIT"]
COUNTED = ["SAVEPOINT", "SELECT failuregroup", "UPDATE syncfailure", "RELEASE"]
RECORDED = [
    "SAVEPOINT",
    "SELECT failuregroup",
    "UPDATE syncfailure",
    "INSERT syncfailure",
    "SELECT syncfailure",  # the limit's check
    "RELEASE",
]
LOOKED_AGAIN = ["BEGIN", "SET LOCAL", "SELECT contact", "COMMIT"]
NOT_FOUND = ["RELEASE", *OUT_OF_SYNC]
RAISED = ["UPDATE contact", "ROLLBACK TO", "RELEASE", *OUT_OF_SYNC]

STRANGER = "+6281234567899"
USER_ID = "ID.26694801573320718846"

CONTROL = re.compile(r"BEGIN|COMMIT|SAVEPOINT|RELEASE|ROLLBACK TO|ROLLBACK|SET LOCAL")
TABLE = re.compile(r'(?:FROM|INTO|UPDATE) "[a-z]+_(\w+)"(?! U\d)')  # U0: a subquery's


def named(sql: str) -> str:
    """A statement in two words, such as `SELECT contact`, whatever limits its waits."""
    sql = re.sub(r"^SET LOCAL lock_timeout = \d+; ", "", sql)
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


@pytest.fixture(autouse=True)
def _no_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a message may take so long that its deadline is heeded: a statement."""
    monkeypatch.setattr("sarah.api.views.WAITS_END_AFTER", 60)


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


# Messages


class Message(NamedTuple):
    """What is there before a message, what it says, and what it costs beside the key."""

    costs: list[str]
    total: int
    lead: dict[str, object] | None = {"phone": PHONE}
    workspace: dict[str, object] = {}
    before: list[dict[str, object]] = []
    says: dict[str, object] = {"lead_score": 80}


FIRST = [{"contact_phone": STRANGER, "lead_score": 80}]
SAME = [{"lead_score": 80}]
LINKED = ["UPDATE contact", "UPDATE sarahstate"]
"""The last one links the lead. It cannot be linked earlier: the foreign key's check at COMMIT would
wait for whoever holds the lead."""
MOVED = ["SELECT addresschange"]
"""Whether an unknown number is one that a lead had before."""
CREATED = [*MOVED, "SELECT contact", "INSERT contact", "SELECT contact"]
"""The second of these looks whether numbers flood in, the last one locks."""

MESSAGES = {
    "changes facts": Message(
        before=[{"extracted_data": {"goals": "sell more"}}],
        says={"extracted_data": {"goals": "sell much more"}},
        costs=PLAIN,
        total=5,
    ),
    "moves the status": Message(
        before=[{"state": "qualifying"}],
        says={"state": "handoff", "lead_score": 80},
        costs=PLAIN,
        total=5,
    ),
    "of a lead that is known by phone and by id": Message(
        lead={"phone": PHONE, "business_scoped_user_id": USER_ID},
        before=[{"business_scoped_user_id": USER_ID}],
        says={"business_scoped_user_id": USER_ID, "lead_score": 80},
        costs=PLAIN,
        total=5,
    ),
    "without news": Message(before=SAME, costs=PLAIN, total=5),
    "the first": Message(costs=[*GUARDED_FIRST, *LINKED, "RELEASE", *JOURNALLED], total=14),
    "of a lead that opted out": Message(
        lead={"phone": PHONE, "opted_out": True},
        before=SAME,
        costs=[*NOT_IN_ORDER, *GUARDED, *OUT_OF_SYNC, "RELEASE", *JOURNALLED],
        total=13,
    ),
    "of a test number": Message(
        lead=None,
        workspace={"test_numbers": [PHONE]},
        before=SAME,
        costs=[*NOT_IN_ORDER, *GUARDED[:-1], *OUT_OF_SYNC, "RELEASE", *JOURNALLED],
        total=12,
    ),
    "creates the lead": Message(
        lead=None,
        workspace={"creates_contacts": True},
        costs=[*GUARDED_FIRST, *CREATED, *LINKED, "RELEASE", *JOURNALLED],
        total=18,
    ),
    "of an unknown lead": Message(
        lead=None,
        before=SAME,
        costs=[*NOT_IN_ORDER, *GUARDED, *MOVED, *NOT_FOUND, *COUNTED, *JOURNALLED, *LOOKED_AGAIN],
        total=22,
    ),
    "the first of an unknown lead": Message(
        lead=None,
        before=FIRST,  # the first failure of a kind also makes its cause
        costs=[*GUARDED_FIRST, *MOVED, *NOT_FOUND, *RECORDED, *JOURNALLED, *LOOKED_AGAIN],
        total=24,
    ),
    "in a flood": Message(
        lead={"phone": STRANGER, "source": "sarah"},
        workspace={"creates_contacts": True, "max_created_per_hour": 1},
        before=SAME,
        costs=[
            *NOT_IN_ORDER,
            *GUARDED,
            *MOVED,
            "SELECT contact",
            "RELEASE",
            *OUT_OF_SYNC,
            *COUNTED,
            *JOURNALLED,
            *LOOKED_AGAIN,
        ],
        total=23,
    ),
}


@pytest.mark.parametrize("message", MESSAGES.values(), ids=MESSAGES)
def test_what_a_message_costs(bound_bot: Bot, message: Message) -> None:
    Workspace.objects.update(**{"name": "Shop"} | message.workspace)
    if message.lead:
        ContactFactory(**message.lead)
    for earlier in message.before:
        bound_bot.post(**earlier)

    with statements() as sent:
        bound_bot.post(**message.says)

    assert sent == [*KEY, *message.costs]
    assert len(sent) == message.total


@pytest.mark.usefixtures("_lead")
@pytest.mark.parametrize("ref", [{}, {"workspace_id": "default"}], ids=["implied", "named"])
def test_a_workspace_to_look_up_costs_a_statement_more(free_bot: Bot, ref: dict[str, str]) -> None:
    WorkspaceFactory()
    free_bot.post(extracted_data={"goals": "sell more"})

    with statements() as sent:
        free_bot.post(extracted_data={"goals": "sell much more"}, **ref)

    begun, looked_up, rest = sent[1:2], sent[2:3], sent[3:]
    assert (begun, looked_up) == (["BEGIN"], WORKSPACE)
    assert [*begun, *rest] == PLAIN


@pytest.mark.usefixtures("_lead")
def test_of_several_workspaces_the_implied_one_is_found_under_a_guard(free_bot: Bot) -> None:
    WorkspaceFactory(slug="other")
    free_bot.post(extracted_data={"goals": "sell more"})

    with statements() as sent:
        free_bot.post(extracted_data={"goals": "sell much more"})

    guarded = ["SAVEPOINT", "SET LOCAL", *WORKSPACE, "RELEASE"]
    assert sent[2:7] == [*WORKSPACE, *guarded]
    assert len(sent) == 10


@pytest.mark.usefixtures("_lead")
@pytest.mark.parametrize(
    ("before", "broken", "costs", "total"),
    [
        ([], SAME, [*NOT_IN_ORDER, *GUARDED, *RAISED, *COUNTED], 19),
        (SAME, FIRST, [*FIRST_TRY, *OPENED, *GUARDED, *RAISED, *RECORDED], 24),
    ],
    ids=["again", "for the first time"],
)
def test_what_a_message_whose_sync_raises_costs(
    bound_bot: Bot, before: list, broken: list, costs: list[str], total: int
) -> None:
    ContactFactory(phone=STRANGER)
    for earlier in before:
        bound_bot.post(**earlier)

    with refusing(LEADS):
        for earlier in broken:
            bound_bot.post(**earlier)
        with statements() as sent:
            bound_bot.post(lead_score=85)

    assert sent == [*KEY, *costs, *JOURNALLED]
    assert len(sent) == total


@pytest.mark.usefixtures("_lead")
def test_what_a_message_that_heals_costs(bound_bot: Bot) -> None:
    with refusing(LEADS):
        bound_bot.post(lead_score=80)

    with statements() as sent:
        bound_bot.post(lead_score=80)

    healed = ["UPDATE contact", "UPDATE syncfailure", "UPDATE sarahstate"]
    assert sent == [*KEY, *NOT_IN_ORDER, *GUARDED, *healed, "RELEASE", *JOURNALLED]
    assert len(sent) == 15


@pytest.mark.usefixtures("_lead")
def test_a_known_lead_costs_three_statements_and_commit_on_a_direct_connection(
    bound_bot: Bot, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEADSYNC_DB_DIRECT = True
    monkeypatch.setattr("leadsync.infra.queries.BELIEVED_FOR", 60.0)
    bound_bot.post(state="qualifying")

    with statements() as sent:
        bound_bot.post(state="handoff", lead_score=80)

    assert sent == ["BEGIN", "SELECT sarahstate", *WRITTEN]


@pytest.mark.usefixtures("_lead")
def test_an_unusual_limit_is_a_statement_of_its_own_on_a_direct_connection(
    bound_bot: Bot, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LEADSYNC_DB_DIRECT = True
    monkeypatch.setattr("leadsync.infra.queries.BELIEVED_FOR", 60.0)
    bound_bot.post(state="qualifying")
    settings.LEADSYNC_LOCK_TIMEOUT_MS = 400
    monkeypatch.setattr("sarah.receive.patience.in_vain_until", math.inf)

    with statements() as sent:
        bound_bot.post(state="handoff", lead_score=80)

    assert sent == ["BEGIN", "SET LOCAL", "SELECT sarahstate", *WRITTEN]


# Reading


@pytest.mark.usefixtures("_lead")
@pytest.mark.parametrize(
    ("phone", "named", "looked_up"),
    [
        (PHONE, {}, []),
        (STRANGER, {}, []),
        (PHONE, {"workspace_id": "default"}, ["SELECT workspace"]),
    ],
    ids=["known", "unknown", "a workspace that the key may know"],
)
def test_what_a_get_costs(
    bound_bot: Bot, free_bot: Bot, phone: str, named: dict[str, str], looked_up: list[str]
) -> None:
    bound_bot.post()

    for bot, also in ((bound_bot, []), (free_bot, looked_up)):
        with statements() as sent:
            bot.get(phone, **named)
        assert sent == ["SELECT apikey", *also, "SELECT sarahstate"]


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

    recorded = ["BEGIN", "SET LOCAL", "UPDATE apikey", "COMMIT"]
    assert first == ["SELECT apikey", *recorded, "SELECT sarahstate"]
    assert second == ["SELECT apikey", "SELECT sarahstate"]
