"""The failure log: one open row per kind and lead, kept small, closed by what heals it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction
from django.utils import timezone

from leadsync.models import ApiKey
from monitoring.kinds import ADVICE, Kind
from monitoring.models import SyncFailure
from sarah.resolve import resolve_failures
from tests.bot import Bot
from tests.factories import SarahStateFactory, SyncFailureFactory, fail_sync

pytestmark = pytest.mark.django_db

KEY = {
    "source": "sarah",
    "kind": "sync_error",
    "workspace_ref": "default",
    "contact_phone": "+6281234567890",
    "fingerprint": "",
}
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def record(**fields: object) -> None:
    SyncFailure.objects.record(**{**KEY, "error": "Something broke.", **fields})


def test_a_failure_is_recorded_with_everything_that_explains_it():
    state = SarahStateFactory()
    SyncFailure.objects.all().delete()

    with time_machine.travel(NOW, tick=False):
        record(state_id=state.pk, traceback="Traceback …", payload={"body": "x"})

    failure = SyncFailure.objects.get()
    assert {name: getattr(failure, name) for name in KEY} == KEY
    assert (failure.error, failure.traceback) == ("Something broke.", "Traceback …")
    assert (failure.payload, failure.state, failure.occurrences) == ({"body": "x"}, state, 1)
    assert failure.created_at == failure.last_seen_at == NOW
    assert (failure.resolved_at, failure.resolution, failure.resolved_by) == (None, "", "")


def test_a_repeat_is_counted_on_the_open_row_and_brings_its_news():
    with time_machine.travel(NOW, tick=False) as clock:
        record(payload={"message_count": 1})
        clock.shift(60)
        record(error="Something else broke.", payload={"message_count": 2})

    failure = SyncFailure.objects.get()
    assert (failure.occurrences, failure.error) == (2, "Something else broke.")
    assert failure.payload == {"message_count": 2}
    assert (failure.created_at, failure.last_seen_at) == (NOW, NOW + timedelta(seconds=60))


@pytest.mark.parametrize(
    "other",
    [
        {"source": "kapso"},
        {"kind": "contact_not_found"},
        {"workspace_ref": "kopi-kita"},
        {"contact_phone": "+6281234567891"},
        {"fingerprint": "f" * 64},
    ],
)
def test_what_differs_in_any_of_its_keys_is_a_row_of_its_own(other):
    record()
    record(**other)

    assert [failure.occurrences for failure in SyncFailure.objects.all()] == [1, 1]


def test_what_comes_back_after_it_was_resolved_opens_a_new_row():
    record()
    resolve_failures(SyncFailure.objects.all(), by="ani")

    record()

    assert SyncFailure.objects.count() == 2
    assert SyncFailure.objects.open().get().occurrences == 1


def test_a_message_with_anything_in_it_can_be_recorded():
    long = {
        "exception": "E" * 101,
        "function": "f" * 201,
        "traceback": "\x00t" * 50_000 + "the end",
    }
    record(error="\x00Bro\ud800ken" + "x" * 5_000, **long)

    failure = SyncFailure.objects.get()
    assert (failure.group.exception, failure.group.function) == ("E" * 100, "f" * 200)
    assert failure.error.startswith("Bro?ken")
    assert len(failure.error) == SyncFailure.MAX_ERROR
    assert failure.traceback.endswith("the end")


def make(count: int, *, seen: int, **fields: object) -> list[int]:
    """So many failures, last seen so many minutes ago."""
    when = timezone.now() - timedelta(minutes=seen)
    return [row.pk for row in SyncFailureFactory.create_batch(count, last_seen_at=when, **fields)]


RESOLVED = {"resolved_at": NOW, "resolution": "manual"}


def test_over_the_limit_resolved_rows_go_first_then_refused_bodies_then_the_oldest(
    settings, caplog
):
    youngest = make(2, seen=5, kind="contact_not_found")
    refused = make(2, seen=1, kind="rejected_payload")
    oldest = make(2, seen=90)
    resolved = make(2, seen=0, **RESOLVED)

    remaining = []
    for limit in (7, 6, 5, 4, 3, 2):
        settings.LEADSYNC_MAX_FAILURES = limit
        assert SyncFailure.objects.trim() == 1
        remaining.append(set(SyncFailure.objects.values_list("pk", flat=True)))

    kept = {*youngest, *oldest, *refused, resolved[1]}
    assert remaining[0] == kept
    assert remaining[1] == kept - {*resolved}
    assert remaining[3] == {*youngest, *oldest}
    assert remaining[4] == {*youngest, oldest[1]}
    assert remaining[5] == {*youngest}
    assert caplog.text.count("Deleted 1 sync failures") == 6


def test_the_log_keeps_at_least_its_limit_and_grows_by_five_per_cent(settings):
    settings.LEADSYNC_MAX_FAILURES = 40
    make(42, seen=1)

    assert SyncFailure.objects.trim() == 0
    make(1, seen=1)
    assert SyncFailure.objects.trim() == 3
    assert SyncFailure.objects.count() == 40


@pytest.mark.parametrize(
    "flood",
    [
        [{}] * 9,
        [{**RESOLVED}] * 9,
        [{"kind": "rejected_payload"}] * 9,
        [{"kind": "workspace_not_found", "workspace_ref": f"made-up-{n}"} for n in range(9)],
    ],
    ids=["open", "resolved", "refused", "of made-up workspaces"],
)
def test_a_flood_drives_out_itself_and_nobody_elses_failures(settings, flood):
    alike = {name: value for name, value in flood[0].items() if "made-up" not in str(flood[0])}
    refs = ("kopi-kita", "bengkel")
    others = [pk for ref in refs for pk in make(2, seen=999, **alike, workspace_ref=ref)]
    flooded = [pk for fields in flood for pk in make(1, seen=1, **fields)]
    settings.LEADSYNC_MAX_FAILURES = 7

    SyncFailure.objects.trim()

    kept = set(SyncFailure.objects.values_list("pk", flat=True))
    assert kept == {*others, *flooded[-3:]}


def test_a_flood_of_one_key_drives_out_no_failure_of_another_key_of_its_workspace(settings):
    home = {"workspace_ref": "kopi-kita"}
    others = make(2, seen=999, **home, sent_with=8)
    flooded = make(9, seen=1, **home, sent_with=7)
    elsewhere = make(2, seen=500, workspace_ref="bengkel", sent_with=9)
    settings.LEADSYNC_MAX_FAILURES = 7

    SyncFailure.objects.trim()

    kept = set(SyncFailure.objects.values_list("pk", flat=True))
    assert kept == {*others, *elsewhere, *flooded[-3:]}


@pytest.mark.django_db(transaction=True)
def test_a_failure_knows_the_key_of_its_message(bot: Bot):

    bot.post("+6281200000001")
    bot.post("+6281200000002", lead_score="x")
    bot.send("no JSON")

    key = ApiKey.objects.get()
    kinds = dict(SyncFailure.objects.values_list("kind", "sent_with"))
    assert kinds == dict.fromkeys(
        ("contact_not_found", "invalid_payload", "rejected_payload"), key.pk
    )


def test_the_limit_is_kept_by_recording_and_cancels_no_retry(settings):
    settings.LEADSYNC_MAX_FAILURES = 3
    waiting = fail_sync(SarahStateFactory(), next_sync_at=NOW)
    for number in range(9):
        record(contact_phone=f"+628123456789{number}", state_id=waiting.pk)
        record(contact_phone=f"+628123456789{number}", state_id=waiting.pk)

    kept = SyncFailure.objects.order_by("pk").values_list("contact_phone", "occurrences")
    assert list(kept) == [(f"+628123456789{number}", 2) for number in (6, 7, 8)]
    waiting.refresh_from_db()
    assert (waiting.sync_reason, waiting.next_sync_at) == ("sync_error", NOW)


def test_a_thousand_failures_are_kept_unless_told_otherwise(settings):
    assert settings.LEADSYNC_MAX_FAILURES == 1000


@pytest.mark.parametrize("kind", Kind.values)
def test_a_sync_that_works_heals_all_but_what_a_bot_sent_wrongly(kind):
    pk = SyncFailureFactory(kind=kind).pk

    healed = SyncFailure.objects.heal()

    failure = SyncFailure.objects.get(pk=pk)
    is_healed = kind not in ("invalid_payload", "rejected_payload")
    assert (healed, failure.resolved_at is not None) == (is_healed, is_healed)
    assert failure.resolution == ("healed" if is_healed else "")


def test_resolving_signs_the_open_ones_and_leaves_the_others_as_they_were():
    SyncFailureFactory.create_batch(2)
    before = SyncFailureFactory(resolved_at=NOW, resolution="healed")

    assert resolve_failures(SyncFailure.objects.all(), by="ani", note="wrong number") == 2
    healed_meanwhile = {"as_seen": {before.pk: before.last_seen_at}, "by": "ani", "note": ""}
    assert SyncFailure.objects.mark_resolved(**healed_meanwhile) == {}

    resolved = SyncFailure.objects.filter(resolution="manual")
    assert {(row.resolved_by, row.note) for row in resolved} == {("ani", "wrong number")}
    before.refresh_from_db()
    assert (before.resolution, before.resolved_by, before.resolved_at) == ("healed", "", NOW)


def test_resolving_stops_the_retries_but_calls_nothing_synced():
    queued = {"next_sync_at": NOW, "retry_requested_by": "budi"}
    mine, other = (fail_sync(SarahStateFactory(), **queued) for _ in range(2))
    pk = SyncFailureFactory(state=mine).pk
    SyncFailureFactory(state=other)

    resolve_failures(SyncFailure.objects.filter(pk=pk), by="ani")

    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.next_sync_at, mine.retry_requested_by) == (None, "")
    assert (mine.synced_at, mine.sync_reason) == (None, "sync_error")
    assert (other.next_sync_at, other.retry_requested_by) == (NOW, "budi")


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "telegram"},
        {"kind": "oops"},
        {"occurrences": 0},
        {"resolved_at": NOW},
        {"resolution": "healed"},
        {"resolved_at": NOW, "resolution": "lost"},
    ],
)
def test_the_database_refuses_a_failure_that_cannot_be(wrong):
    SyncFailureFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        SyncFailure.objects.update(**wrong)


def test_the_database_refuses_two_open_rows_of_one_key():
    first, second = SyncFailureFactory.create_batch(2)
    twin = {"contact_phone": first.contact_phone}

    with pytest.raises(IntegrityError), transaction.atomic():
        SyncFailure.objects.filter(pk=second.pk).update(**twin)

    SyncFailure.objects.filter(pk=first.pk).update(**RESOLVED)
    SyncFailure.objects.filter(pk=second.pk).update(**twin)


def test_every_kind_comes_with_advice():
    assert set(ADVICE) == set(Kind)
    assert all(len(Kind(kind).advice) > 50 for kind in Kind.values)


def test_a_deleted_conversation_leaves_its_failures():
    state = SarahStateFactory()

    state.delete()

    assert SyncFailure.objects.get().state is None
