"""`/api/v1/sync-failures/…/resolve/` and `…/retry/`: what a bot can mend."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from leadsync.models import Scope
from monitoring.kinds import Kind
from monitoring.models import SyncFailure
from tests.callers import Caller
from tests.factories import SarahStateFactory, SyncFailureFactory, unseen_lead

FAILURES = "/api/v1/sync-failures/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture
def writer() -> Caller:
    return Caller(Scope.FAILURES_WRITE)


# Resolving


@pytest.mark.parametrize(
    ("body", "note"), [("", ""), ({"note": "A test \u202enumber.\n"}, "A test number.")]
)
def test_a_failure_is_resolved_in_the_name_of_the_bot(
    writer: Caller, body: object, note: str
) -> None:
    failure = SyncFailureFactory()

    answer = writer.send(f"{FAILURES}{failure.pk}/resolve/", body)

    assert (answer.status_code, answer.json()) == (200, {"resolved": 1})
    failure.refresh_from_db()
    assert (failure.resolved_by, failure.resolution) == ("grok-bot", "manual")
    assert failure.note == note


def test_a_resolved_failure_cannot_be_resolved_again(writer: Caller) -> None:
    failure = SyncFailureFactory(resolved_at=NOON, resolution="manual", resolved_by="ani")

    answer = writer.send(f"{FAILURES}{failure.pk}/resolve/", {"note": "Me too."})

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert answer.json()["error"] == "This failure is resolved already by ani."
    failure.refresh_from_db()
    assert failure.note == ""


def test_many_are_resolved_by_id(writer: Caller) -> None:
    one, two, other = SyncFailureFactory.create_batch(3)

    answer = writer.send(f"{FAILURES}resolve/", {"ids": [one.pk, two.pk, 404], "note": "Done."})

    assert answer.json() == {"resolved": 2}
    assert [*SyncFailure.objects.open()] == [other]
    assert {*SyncFailure.objects.filter(note="Done.")} == {one, two}


@pytest.mark.parametrize(
    "selection",
    [
        {"kind": ["contact_not_found"]},
        {"source": ["kapso"]},
        {"workspace": "kopi"},
        {"phone": "0812-3456-7890"},
        {"before": "2026-11-20T12:00:00Z"},
        {"kind": ["contact_not_found", "sync_error"], "workspace": "kopi"},
    ],
)
def test_many_are_resolved_by_what_they_have_in_common(
    writer: Caller, selection: dict[str, object]
) -> None:
    SyncFailureFactory(
        kind=Kind.CONTACT_NOT_FOUND,
        source="kapso",
        workspace_ref="kopi",
        contact_phone="+6281234567890",
        last_seen_at=NOON - timedelta(days=1),
    )
    other = SyncFailureFactory()

    answer = writer.send(f"{FAILURES}resolve/", selection)

    assert answer.json() == {"resolved": 1}
    assert [*SyncFailure.objects.open()] == [other]


def test_all_are_resolved_only_if_all_are_meant(writer: Caller) -> None:
    SyncFailureFactory.create_batch(3)

    refusals = [
        writer.send(f"{FAILURES}resolve/", body) for body in ({}, {"note": "x"}, {"all": False})
    ]
    answer = writer.send(f"{FAILURES}resolve/", {"all": True})

    assert {refusal.status_code for refusal in refusals} == {400}
    assert refusals[0].json()["error"].startswith("Say which: ")
    assert answer.json() == {"resolved": 3}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("knid", "contact_not_found"),
        ("ids", []),
        ("ids", ["x"]),
        ("ids", [0]),
        ("ids", 7),
        ("kind", []),
        ("kind", ["bad_luck"]),
        ("kind", "sync_error"),
        ("phone", "call me"),
        ("before", "0001-01-01T00:00:00+14:00"),
        ("before", {}),
        ("workspace", None),
        ("note", "x" * 2001),
        ("note", "\x00"),
    ],
)
def test_an_unusable_selection_resolves_nothing(writer: Caller, field: str, value: object) -> None:
    SyncFailureFactory()

    answer = writer.send(f"{FAILURES}resolve/", {"all": True, field: value})

    assert (answer.status_code, list(answer.json()["fields"])) == (400, [field])
    assert SyncFailure.objects.open().count() == 1


@pytest.mark.parametrize("body", [[], "all", 1, None, [{"all": True}]])
def test_a_body_that_is_no_object_is_refused(writer: Caller, body: object) -> None:
    answer = writer.post(f"{FAILURES}resolve/", json.dumps(body), content_type="application/json")

    assert (answer.status_code, "error" in answer.json()) == (400, True)


# Retrying


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("lead_is_there", "left"), [(True, ("retried", "grok-bot", 1)), (False, ("", "", 1))]
)
def test_a_retry_tells_whether_it_worked(lead_is_there: bool, left: tuple) -> None:
    """Commits are real, as the retry's are."""
    failure = SarahStateFactory().failures.get()
    if lead_is_there:
        unseen_lead(failure.state)

    answer = Caller(Scope.FAILURES_WRITE).send(f"{FAILURES}{failure.pk}/retry/")

    assert (answer.status_code, answer.json()) == (200, {"synced": lead_is_there})
    failure.refresh_from_db()
    assert (failure.resolution, failure.resolved_by, failure.occurrences) == left


@pytest.mark.parametrize(
    ("failure", "sentence"),
    [
        ({"kind": Kind.INVALID_PAYLOAD}, "it is about what the bot sent"),
        ({"kind": Kind.REJECTED_PAYLOAD}, "it is about what the bot sent"),
        ({"kind": Kind.SYNC_ERROR}, "it belongs to no conversation"),
        ({"resolved_at": NOON, "resolution": "healed"}, "is resolved already"),
    ],
)
def test_what_no_sync_can_mend_is_not_retried(
    writer: Caller, failure: dict[str, object], sentence: str
) -> None:
    pk = SyncFailureFactory(**failure).pk

    answer = writer.send(f"{FAILURES}{pk}/retry/")

    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert sentence in answer.json()["error"]
