"""`/api/v1/sync-failures/`: what a bot that watches over the sync can see and mend."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadsync.models import Scope
from monitoring.kinds import Kind
from monitoring.models import SyncFailure
from tests.callers import Caller
from tests.factories import (
    SyncFailureFactory,
    WorkspaceFactory,
)

FAILURES = "/api/v1/sync-failures/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
WRITES = [f"{FAILURES}1/resolve/", f"{FAILURES}1/retry/", f"{FAILURES}resolve/"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader() -> Caller:
    return Caller(Scope.FAILURES_READ)


@pytest.fixture
def writer() -> Caller:
    return Caller(Scope.FAILURES_READ, Scope.FAILURES_WRITE)


def found(caller: Caller, **query: Any) -> set[str]:
    """The errors of the failures that the query finds; the tests use them as names."""
    return {failure["error"] for failure in caller.read(FAILURES, **query)["results"]}


# Lists


def test_failures_are_found_by_whether_they_are_open(reader: Caller) -> None:
    SyncFailureFactory(error="open")
    SyncFailureFactory(error="resolved", resolved_at=NOON, resolution="manual")

    assert found(reader) == {"open", "resolved"}
    assert found(reader, status="open") == {"open"}
    assert found(reader, status="resolved") == {"resolved"}


def test_failures_are_found_by_kind_and_source(reader: Caller) -> None:
    for kind in (Kind.SYNC_ERROR, Kind.CONTACT_NOT_FOUND, Kind.INVALID_PAYLOAD):
        SyncFailureFactory(kind=kind, error=kind.value)
    SyncFailureFactory(source="kapso", error="kapso")

    assert found(reader, kind="contact_not_found") == {"contact_not_found"}
    assert found(reader, kind="contact_not_found,invalid_payload", source="sarah") == {
        "contact_not_found",
        "invalid_payload",
    }
    assert found(reader, source="kapso") == {"kapso"}


def test_failures_are_found_by_workspace_also_by_one_that_does_not_exist(reader: Caller) -> None:
    SyncFailureFactory(workspace_ref="default", error="ours")
    SyncFailureFactory(workspace_ref="no-such-shop", error="lost")

    assert found(reader, workspace="no-such-shop") == {"lost"}


@pytest.mark.parametrize("typed", ["0812-3456-7890", "+62 812 3456 7890", "6281234567890"])
def test_failures_are_found_by_phone_in_any_spelling(reader: Caller, typed: str) -> None:
    SyncFailureFactory(contact_phone="+6281234567890", error="hers")
    SyncFailureFactory(error="other")

    assert found(reader, phone=typed) == {"hers"}


def test_failures_are_found_by_when_they_were_last_seen(reader: Caller) -> None:
    SyncFailureFactory(last_seen_at=NOON - timedelta(seconds=1), error="before")
    SyncFailureFactory(last_seen_at=NOON, error="since")

    assert found(reader, since="2026-11-20T12:00:00Z") == {"since"}
    assert found(reader, before="2026-11-20T12:00:00Z") == {"before"}


def test_failures_come_last_seen_first_or_as_asked(reader: Caller) -> None:
    SyncFailureFactory(error="old", last_seen_at=NOON, occurrences=9)
    SyncFailureFactory(error="new", last_seen_at=NOON + timedelta(hours=1))

    def order(**query: str) -> list[str]:
        return [failure["error"] for failure in reader.read(FAILURES, **query)["results"]]

    assert order() == ["new", "old"]
    assert order(ordering="last_seen_at") == order(ordering="-occurrences") == ["old", "new"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "closed"),
        ("kind", "bad_luck"),
        ("source", "elsewhere"),
        ("phone", "call me"),
        ("since", "lately"),
        ("before", "0001-01-01T00:00:00+14:00"),
        ("ordering", "error"),
        ("workspace", "nul\x00"),
    ],
)
def test_an_unusable_filter_is_refused_by_name(reader: Caller, field: str, value: str) -> None:
    answer = reader.get(FAILURES, {field: value})

    assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])


# One failure


def test_a_failure_comes_with_advice_the_message_and_the_traceback(reader: Caller) -> None:
    failure = SyncFailureFactory(
        kind=Kind.CONTACT_NOT_FOUND, payload={"contact_phone": "+62812"}, traceback="Traceback …"
    )

    told = reader.read(f"{FAILURES}{failure.pk}/")

    assert (told["id"], told["kind"], told["occurrences"]) == (failure.pk, "contact_not_found", 1)
    assert (told["payload"], told["traceback"]) == ({"contact_phone": "+62812"}, "Traceback …")
    assert told["advice"] == failure.advice


@pytest.mark.parametrize("path", [f"{FAILURES}404/", f"{FAILURES}{'9' * 40}/"])
def test_an_unknown_failure_is_not_found(writer: Caller, path: str) -> None:
    answers = [writer.get(path), writer.send(f"{path}resolve/"), writer.send(f"{path}retry/")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


# A key that is bound to a workspace


def test_a_bound_key_sees_and_touches_only_failures_of_its_workspace() -> None:
    kopi = WorkspaceFactory(slug="kopi")
    bound = Caller(Scope.FAILURES_READ, Scope.FAILURES_WRITE, workspace=kopi)
    ours = SyncFailureFactory(workspace_ref="kopi", error="ours")
    theirs = SyncFailureFactory(workspace_ref="default", error="theirs")

    for path in ("", "resolve/", "retry/"):
        call = bound.send if path else bound.get
        assert call(f"{FAILURES}{theirs.pk}/{path}").status_code == 404
    assert found(bound) == {"ours"}
    assert bound.send(f"{FAILURES}resolve/", {"ids": [theirs.pk]}).json() == {"resolved": 0}
    assert bound.send(f"{FAILURES}resolve/", {"all": True}).json() == {"resolved": 1}
    assert [*SyncFailure.objects.open()] == [theirs]
    assert SyncFailure.objects.get(pk=ours.pk).resolved_by == "grok-bot"
