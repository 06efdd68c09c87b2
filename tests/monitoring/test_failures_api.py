"""`/api/v1/sync-failures/`: what a bot that watches over the sync can see and mend."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leadsync.models import Scope
from monitoring.kinds import Kind
from monitoring.models import SyncFailure
from tests.callers import Caller
from tests.factories import SyncFailureFactory, WorkspaceFactory

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


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ({}, {"hers", "lost", "unusable", "kapso", "over"}),
        ({"status": "open"}, {"hers", "lost", "unusable", "kapso"}),
        ({"status": "resolved"}, {"over"}),
        ({"kind": "contact_not_found"}, {"hers"}),
        ({"kind": "contact_not_found,invalid_payload", "source": "sarah"}, {"hers", "unusable"}),
        ({"source": "kapso"}, {"kapso"}),
        ({"workspace": "no-such-shop"}, {"lost"}),
        ({"since": "2026-11-20T12:00:00Z"}, {"lost", "unusable", "kapso", "over"}),
        ({"before": "2026-11-20T12:00:00Z"}, {"hers"}),
        ({"phone": "0812-3456-7890"}, {"hers"}),
        ({"phone": "+62 812 3456 7890"}, {"hers"}),
        ({"phone": "6281234567890"}, {"hers"}),
    ],
)
def test_failures_are_found(reader: Caller, query: dict[str, str], errors: set[str]) -> None:
    SyncFailureFactory(
        error="hers", kind=Kind.CONTACT_NOT_FOUND, contact_phone="+6281234567890",
        last_seen_at=NOON - timedelta(seconds=1),
    )  # fmt: skip
    SyncFailureFactory(error="lost", workspace_ref="no-such-shop", last_seen_at=NOON)
    SyncFailureFactory(error="unusable", kind=Kind.INVALID_PAYLOAD)
    SyncFailureFactory(error="kapso", source="kapso")
    SyncFailureFactory(error="over", resolved_at=NOON, resolution="manual")

    assert found(reader, **query) == errors


def test_failures_come_last_seen_first_or_as_asked(reader: Caller) -> None:
    SyncFailureFactory(error="old", last_seen_at=NOON, occurrences=9)
    SyncFailureFactory(error="new", last_seen_at=NOON + timedelta(hours=1))

    def order(**query: str) -> list[str]:
        return [failure["error"] for failure in reader.read(FAILURES, **query)["results"]]

    assert order() == ["new", "old"]
    assert order(ordering="last_seen_at") == order(ordering="-occurrences") == ["old", "new"]


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
