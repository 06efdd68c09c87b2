"""Every refusal under the API is JSON with a sentence, whatever was asked and however."""

from typing import Any

import pytest
from django.test import Client

from leadsync.models import Scope
from tests.callers import Caller
from tests.factories import SyncFailureFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

RESOLVE = "/api/v1/sync-failures/resolve/"
LISTS = ("/api/v1/leads", "/api/v1/sync-failures")


@pytest.fixture
def caller() -> Caller:
    return Caller(*Scope.values)


def refusal(answer: Any, status: int) -> dict[str, Any]:
    """The JSON of an answer that refuses with this status."""
    assert answer.status_code == status, answer.content
    assert answer["Content-Type"] == "application/json"
    told: dict[str, Any] = answer.json()
    assert set(told) <= {"error", "code", "fields", "request_id"}
    assert told["error"].endswith(".") or told["error"].endswith("”")
    return told


@pytest.mark.parametrize("path", [*LISTS, "/sarah/state"])
def test_guessing_keys_is_slowed_down_and_valid_keys_are_not(caller: Caller, path: str) -> None:
    guesser = Client(headers={"X-API-Key": "junk"})

    guesses = [guesser.get(path) for _ in range(31)]

    assert [guess.status_code for guess in guesses] == [401] * 30 + [429]
    assert refusal(guesses[-1], 429)["code"] == "throttled"
    assert 0 < int(guesses[-1]["Retry-After"]) <= 61
    assert {caller.get(path).status_code for _ in range(31)} <= {200, 400}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/", "/api/v1/", "/api/v1/nothing", "/api/v2/leads", "/api/v1/leads/abc"),
        *("/sarah", "/sarah/", "/sarah/stat", "/sarah/state/x"),
    ],
)
def test_where_nothing_is_json_says_so(caller: Caller, client: Client, path: str, method: str):
    for anybody in (client, caller):
        assert refusal(anybody.generic(method, path), 404)["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v1/leads/"),
        ("DELETE", "/api/v1/leads/1/"),
        ("PUT", "/api/v1/sync-failures/1/"),
        ("GET", RESOLVE),
        ("POST", "/api/v1/sync-health/"),
        *[(method, "/sarah/state") for method in ("PUT", "PATCH", "DELETE")],
    ],
)
def test_a_method_that_is_not_offered_is_refused(caller: Caller, method: str, path: str) -> None:
    answer = caller.generic(method, path)

    assert refusal(answer, 405)["code"] == "method_not_allowed"
    assert answer["Allow"]


@pytest.mark.parametrize("path", LISTS)
def test_only_json_can_be_had(caller: Caller, path: str) -> None:
    answer = caller.get(path, headers={"Accept": "text/html"})

    assert refusal(answer, 406)["code"] == "not_acceptable"


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", b"all", 415),
        ("application/x-www-form-urlencoded", b"all=true", 415),
        ("application/json", b"{", 400),
        ("application/json", b'{"all": NaN}', 400),
        ("application/json", b"\xff\xfe", 400),
        ("application/json", b'{"ids": [' + b"9" * 5000 + b"]}", 400),
        ("application/json", b"[" * 20_000, 400),
        ("application/json", b'{"a":' * 10_000, 400),
        ("application/json", rb'{"\ud800": true}', 400),
        ("application/json", b" " * 70_000, 413),
        ("application/json; charset=bz2", b"{}", 400),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_and_does_nothing(
    caller: Caller, content_type: str, body: bytes, status: int
) -> None:
    failure = SyncFailureFactory()

    answer = caller.generic("POST", RESOLVE, body, content_type=content_type)

    assert refusal(answer, status)["code"]
    failure.refresh_from_db()
    assert failure.resolved_at is None
