"""Whatever a body holds, the endpoint answers: saved, or refused with a sentence; never a crash."""

import json
import math
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contacts.models import Contact, Workspace
from leadsync.models import Scope
from monitoring.models import SyncFailure
from monitoring.sentences import TABLE
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.callers import Caller

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def callers(bot: Bot) -> list[Any]:
    """Who may read conversations, and who may read everything else."""
    return [bot.client, Caller(Scope.LEADS_READ, Scope.FAILURES_READ)]


# One database for all examples: what one leaves behind is what the next one meets.
FUZZING = settings(
    max_examples=120,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

texts = st.text(st.characters(), max_size=30) | st.sampled_from(
    ["\x00", "\ud800", "\udfff\ud800", "\uffff", "\u202e", "x" * 11_000, "🙏" * 300, "1e999", "-0"]
)
numbers = (
    st.integers()
    | st.integers(-(10**50), 10**50)
    | st.floats()
    | st.sampled_from([2**31, 2**63, 10**400, -(10**400), math.inf, math.nan, 1e308, 5e-324])
)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)
facts = st.dictionaries(
    st.sampled_from(["name", "team_size", "pain_points", "goals", "tenure", "budget"]) | texts,
    values,
    max_size=12,
)
known_fields = {
    "contact_phone": st.just(PHONE) | values,
    "workspace_id": st.sampled_from(["default", "nowhere", "", None]) | values,
    "state": st.sampled_from(["greeting", "handoff"]) | values,
    "lead_score": values,
    "lead_temperature": st.sampled_from(["hot", "cold"]) | values,
    "language": values,
    "message_count": values,
    "last_message_at": st.datetimes().map(str) | values,
    "extracted_data": facts | values,
}
bodies = st.fixed_dictionaries({}, optional=known_fields) | st.dictionaries(texts, values)


def check(answer: Any) -> None:
    assert answer.status_code in (200, 400, 413), answer.content
    body = answer.json()
    if answer.status_code == 200:
        assert body["success"] is True
        assert body["sync"] is ("syncReason" not in body)
        assert all(map(TABLE.knows, body.get("warnings", {}).values())), body
    else:
        assert TABLE.knows(body["error"]), body


def is_remembered(bot: Bot) -> bool:
    remembered = bot.get()
    assert remembered.status_code == 200
    return 0 <= remembered.json()["lead_score"] <= 100


@FUZZING
@given(body=bodies)
@example(
    body={"contact_phone": PHONE, "extracted_data": {"\x00": {"\ud800": ["\udfff", math.nan]}}}
)
@example(body={"contact_phone": PHONE, "extracted_data": {"a": 10**400, "b": [-(10**39), 1e308]}})
@example(body={"contact_phone": PHONE, "last_message_at": "0001-01-01T00:00:00+23:59"})
@example(body={"contact_phone": PHONE, "last_message_at": "9999-12-31T23:59:59-23:59"})
@example(body={"contact_phone": PHONE, "workspace_id": "\ud800" * 100})
def test_any_object_is_saved_or_refused(bot: Bot, body: dict) -> None:
    Contact.objects.get_or_create(phone=PHONE, workspace=Workspace.objects.get())

    check(bot.send(json.dumps({"contact_phone": PHONE, **body})))

    assert is_remembered(bot)


@FUZZING
@given(raw=st.binary(max_size=300) | texts.map(lambda text: text.encode(errors="surrogatepass")))
@example(raw=b"\xff\xfe{\x00}\x00")
@example(raw=b'{"contact_phone": "\xed\xa0\x80"}')
@example(raw=b'{"contact_phone": "+6281234567890", "extracted_data": {"a": "\xed\xa0\x80"}}')
def test_any_bytes_are_saved_or_refused(bot: Bot, raw: bytes) -> None:
    check(bot.send(raw))


JSON_TOKENS = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "\\",
    "\\\\",
    ":",
    ",",
    "1e9",
    "-",
    "0.0",
    "\\u",
    "null",
    " ",
]


@FUZZING
@given(tokens=st.lists(st.sampled_from(JSON_TOKENS), max_size=8), times=st.integers(1, 4_000))
@example(tokens=["["] * 1_100 + ['"'] + ['\\"'] * 7, times=4_000)
def test_any_pattern_of_json_is_saved_or_refused(bot: Bot, tokens: list[str], times: int) -> None:
    pattern = "".join(tokens) * times

    check(bot.send(f'{{"contact_phone": "{PHONE}", "extracted_data": {pattern}'))


PLACES = (
    "/sarah/state?contact_phone={}&workspace_id={}",
    "/api/v1/leads/?search={}&workspace={}&ordering={}&min_score={}&cursor={}&page_size={}",
    "/api/v1/leads/{}/",
    "/api/v1/sync-failures/{}/",
    "/api/v1/sync-failures/?kind={}&since={}&state={}&cursor={}",
    "/api/v1/sync-health/?workspace={}",
)


@FUZZING
@given(place=st.sampled_from(PLACES), value=scalars.map(str) | values.map(json.dumps))
def test_any_value_in_an_address_is_answered_or_refused(
    callers: list[Any], place: str, value: str
) -> None:
    sent = quote(value[:2_000].encode(errors="surrogatepass"), safe="")
    for caller in callers:
        answer = caller.get(place.replace("{}", sent))
        assert answer.status_code in (200, 301, 400, 403, 404), (answer.status_code, place)


@pytest.mark.parametrize(
    "extracted_data",
    [
        '{"a":' * 9_000 + "1" + "}" * 9_000,
        '{"a": ' + "[" * 900 + "]" * 900 + "}",
        '{"a": "' + "\\u0000" * 10_000 + '"}',
        '{"a": ' + "9" * 60_000 + "}",
        '{"a": -1' + "0" * 4_400 + ".5e-4400}",
        "{" + ",".join(f'"{number}": {number}' for number in range(4_500)) + "}",
        "{" + ",".join(f'"{number}": NaN' for number in range(4_500)) + "}",
        '{"a": [' + ",".join(["[]"] * 20_000) + "]}",
        '{"pain_points": [' + ",".join(['"x"'] * 15_000) + "]}",
        '{"name": "' + "é" * 30_000 + '"}',
        "[" + ",".join(["null"] * 13_000) + "]",
    ],
    ids=lambda text: f"{text[:12]}…",
)
def test_bodies_as_large_as_allowed_are_saved_or_refused(bot: Bot, extracted_data: str) -> None:
    body = f'{{"contact_phone": "{PHONE}", "lead_score": 55, "extracted_data": {extracted_data}}}'
    assert len(body.encode()) <= 64 * 1024

    for _again in range(2):
        check(bot.send(body))

    assert is_remembered(bot)
    facts = SarahState.objects.values_list("extracted_data", flat=True).first() or {}
    assert len(facts) <= 100
    assert SyncFailure.objects.count() <= 4
