"""Bulk runs: every failure worked once, in small commits, until done or cancelled."""

from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone

from contacts.models import Contact
from monitoring.models import (
    BulkAction,
    BulkItem,
    BulkRun,
    FailureGroup,
    SyncFailure,
)
from sarah import bulk
from sarah.bulk import work_bulk_runs
from sarah.resync import retry
from tests.factories import ContactFactory, SarahStateFactory, SyncFailureFactory
from tests.threads import at_once

pytestmark = pytest.mark.django_db


def ask(action: BulkAction, **options: object) -> BulkRun:
    return BulkRun.objects.ask(action, SyncFailure.objects.all(), by="ani", **options)


def waiting(*, lead_is_there: bool) -> SyncFailure:
    """A failure of a conversation without a lead, and then perhaps with one."""
    state = SarahStateFactory()
    if lead_is_there:  # `bulk_create()` heals nothing by itself
        lead = ContactFactory.build(workspace=state.workspace, phone=state.contact_phone)
        Contact.objects.bulk_create([lead])
    return state.failures.get()


def results(run: BulkRun) -> list[str]:
    return list(run.items.order_by("pk").values_list("result", flat=True))


def test_each_failure_gets_a_result_of_its_own():
    synced, failing = waiting(lead_is_there=True), waiting(lead_is_there=False)
    SyncFailureFactory(kind="rejected_payload")
    over, healed = waiting(lead_is_there=False), waiting(lead_is_there=True)
    SyncFailure.objects.filter(pk=over.pk).resolve(by="budi")
    run = ask(BulkAction.RETRY)
    retry(healed.state_id)  # another was faster

    assert work_bulk_runs() == 5

    run.refresh_from_db()
    assert results(run) == ["synced", "still_failing", "left_alone", "left_alone", "synced"]
    assert (run.is_over, run.leased_until) == (True, None)
    synced.refresh_from_db()
    healed.refresh_from_db()
    assert (synced.resolution, synced.resolved_by) == ("retried", "ani")
    assert (healed.resolution, healed.resolved_by) == ("healed", "")
    assert set(SyncFailure.objects.open().exclude(state=None)) == {failing}


def test_resolving_closes_what_was_chosen_and_leaves_what_has_failed_since():
    chosen, recurring = SyncFailureFactory.create_batch(2)
    run = ask(BulkAction.RESOLVE, note="Mended.", group=chosen.group)
    SyncFailure.objects.filter(pk=recurring.pk).update(last_seen_at=timezone.now())
    new = SyncFailureFactory()

    work_bulk_runs()

    assert results(run) == ["resolved", "left_alone"]
    assert set(SyncFailure.objects.open()) == {recurring, new}
    chosen.refresh_from_db()
    assert (chosen.resolution, chosen.resolved_by, chosen.note) == ("manual", "ani", "Mended.")
    assert FailureGroup.objects.with_status("regressed").exists()


def test_a_cause_whose_failures_are_all_closed_is_resolved():
    failure = SyncFailureFactory()
    ask(BulkAction.RESOLVE, group=failure.group)

    assert FailureGroup.objects.with_status("open").exists()  # said, not yet done
    work_bulk_runs()

    assert FailureGroup.objects.with_status("resolved").get().resolved_by == "ani"


@pytest.mark.parametrize("action", BulkAction)
def test_what_is_done_when_a_run_is_cancelled_stays_done_and_the_rest_is_left(action, monkeypatch):
    monkeypatch.setattr(bulk, "CLOSINGS", 1)
    for _ in range(3):
        waiting(lead_is_there=True)
    run = ask(action)
    looks = count()

    def cancelled_meanwhile() -> bool:
        if next(looks) == 1:
            run.cancel(by="budi")
        return False

    assert work_bulk_runs(stopped=cancelled_meanwhile) == 1

    run.refresh_from_db()
    assert (run.cancelled_by, run.is_over, run.finished_at) == ("budi", True, None)
    assert results(run)[1:] == ["", ""]
    assert SyncFailure.objects.open().count() == 2
    assert not run.cancel(by="ani")


def test_the_run_of_a_killed_worker_is_taken_over_where_it_stopped():
    SyncFailureFactory.create_batch(3)
    run = ask(BulkAction.RESOLVE)
    BulkRun.objects.lease()
    first = run.items.order_by("pk").first()
    BulkItem.objects.filter(pk=first.pk).update(result="resolved", worked_at=timezone.now())

    assert work_bulk_runs() == 0  # still leased
    BulkRun.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    assert work_bulk_runs() == 2

    assert results(run) == ["resolved"] * 3


def test_a_worker_that_is_told_to_stop_leaves_the_rest_to_the_next():
    for _ in range(3):
        waiting(lead_is_there=True)
    run = ask(BulkAction.RETRY)
    asked = iter([False, True, True])

    assert work_bulk_runs(stopped=lambda: next(asked)) == 1

    run.refresh_from_db()
    assert (run.is_over, run.leased_until) == (False, None)
    assert work_bulk_runs(seconds=0) == 0
    assert work_bulk_runs() == 2
    assert results(run) == ["synced"] * 3


@pytest.mark.django_db(transaction=True)
def test_a_failure_that_is_deleted_while_it_is_chosen_costs_nothing(monkeypatch):
    trimmed, kept = SyncFailureFactory.create_batch(2)
    create = BulkItem.objects.bulk_create

    def trim_and_create(*args, **options):
        SyncFailure.objects.filter(pk=trimmed.pk).delete()
        return create(*args, **options)

    monkeypatch.setattr(BulkItem.objects, "bulk_create", trim_and_create)
    run = ask(BulkAction.RESOLVE)

    assert [item.failure for item in run.items.all()] == [kept]


def test_an_item_that_breaks_does_not_stop_the_others(monkeypatch, caplog):
    broken, fine = waiting(lead_is_there=True), waiting(lead_is_there=True)
    run = ask(BulkAction.RETRY)

    def break_once(state_id, *, by):
        if state_id == broken.state_id:
            raise ValueError("Budi of +6281234567890")
        return retry(state_id, by=by)

    monkeypatch.setattr(bulk, "retry", break_once)
    work_bulk_runs()

    assert results(run) == ["still_failing", "synced"]
    assert SyncFailure.objects.filter(source="background").get().group.exception == "ValueError"
    assert "Budi" not in caplog.text
    fine.refresh_from_db()
    assert fine.resolution == "retried"


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_work_each_failure_once():
    for _ in range(20):
        waiting(lead_is_there=True)
    run = ask(BulkAction.RETRY)

    worked = at_once([work_bulk_runs] * 3)

    assert sorted(worked) == [0, 0, 20]
    assert results(run) == ["synced"] * 20
