"""The queue of failed syncs: each due conversation is retried once, by whichever worker."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from contacts.models import Contact
from monitoring.models import SyncFailure
from sarah import queue
from sarah.models import SarahState
from sarah.queue import work_batch
from sarah.retry import retry, retry_due
from sarah.sync import SyncResult
from tests.factories import ContactFactory, SarahStateFactory, fail_sync
from tests.faults import LEADS, postgresql, refusing
from tests.syncs import syncs
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


def due_conversation(**columns: object) -> SarahState:
    """One of a known lead, whose retry has been due for a minute."""
    state = SarahStateFactory(contact_phone=ContactFactory().phone)
    return fail_sync(state, **{"due": -MINUTE, "sync_attempts": 1} | columns)


def lease(limit: int = 20) -> list[int]:
    return SarahState.objects.lease(limit)


@pytest.mark.parametrize(
    ("due", "leased", "is_taken"),
    [
        (-MINUTE, None, True),
        (-MINUTE, -SECOND, True),
        (-MINUTE, SECOND * 10, False),
        (MINUTE, None, False),
        (None, None, False),
    ],
    ids=["due", "of a killed worker", "of a worker at it", "not due yet", "parked"],
)
def test_a_worker_takes_what_is_due_and_nobody_has_taken(due, leased, is_taken) -> None:
    state = due_conversation(due=due, leased_until=leased and timezone.now() + leased)

    assert lease() == [state.pk] * is_taken


def test_what_is_in_sync_is_not_due_whatever_its_next_attempt() -> None:
    due_conversation(synced_at=timezone.now(), sync_reason="")

    assert lease() == []


def test_what_is_due_for_longest_is_taken_first_and_for_two_minutes() -> None:
    later, earlier = due_conversation(), due_conversation(due=-2 * MINUTE)

    assert [lease(limit=1), lease(limit=1), lease(limit=1)] == [[earlier.pk], [later.pk], []]

    earlier.refresh_from_db()
    assert abs(earlier.leased_until - timezone.now() - 2 * MINUTE) < 10 * SECOND


@postgresql
def test_workers_that_take_at_the_same_moment_pass_by_each_other() -> None:
    due = {due_conversation().pk for _ in range(4)}

    with ThreadPoolExecutor(1) as elsewhere, transaction.atomic():
        here = lease(limit=2)
        there = elsewhere.submit(lambda: (lease(limit=2), connection.close())).result(timeout=120)

    assert {*here, *there[0]} == due


def test_three_workers_at_once_work_each_conversation_once() -> None:
    due = [due_conversation() for _ in range(60)]
    all_have_taken_theirs = Barrier(3)

    def worker() -> Counter[str]:
        looks = count()

        def stopped() -> bool:
            if next(looks) == 1:  # between taking and working
                all_have_taken_theirs.wait(timeout=120)
            return False

        return work_batch(stopped)

    with syncs() as synced:
        outcomes = at_once([worker] * 3)

    assert synced == {state.contact_phone: 1 for state in due}
    assert outcomes == [{"synced": 20}] * 3
    assert not SarahState.objects.exclude(leased_until=None).exists()


def test_the_outcomes_tell_what_became_of_each() -> None:
    _synced, waiting, overtaken = (due_conversation() for _ in range(3))
    Contact.objects.filter(phone=waiting.contact_phone).update(phone="+6281299999999")
    looks = count()

    def stopped() -> bool:
        if next(looks) == 1:  # between taking and working
            retry(overtaken.pk)
        return False

    assert work_batch(stopped) == {"synced": 1, "contact_not_found": 1, "overtaken": 1}


@pytest.mark.parametrize("meanwhile", ["never taken", "worked by another", "given up"])
def test_a_late_worker_leaves_alone_what_is_no_longer_its_own(meanwhile: str) -> None:
    state = due_conversation()
    if meanwhile != "never taken":
        lease()
    if meanwhile == "worked by another":
        retry_due(state.pk)
    if meanwhile == "given up":
        SarahState.objects.all().give_up(by="ani")

    with syncs() as synced:
        assert retry_due(state.pk) is None

    assert not synced


def test_a_stopped_worker_gives_back_what_it_has_not_worked() -> None:
    states = [due_conversation() for _ in range(3)]
    answers = iter([False, False])

    assert work_batch(lambda: next(answers, True)) == {"synced": 1}

    assert lease() == [state.pk for state in states[1:]]


def test_a_conversation_that_breaks_the_retry_itself_does_not_stop_the_others(monkeypatch) -> None:
    broken, sound = due_conversation(due=-2 * MINUTE), due_conversation()

    def break_for_one(state_id: int) -> SyncResult | None:
        if state_id == broken.pk:
            raise ZeroDivisionError("Budi +6281234567890")
        return retry_due(state_id)

    monkeypatch.setattr(queue, "retry_due", break_for_one)
    assert work_batch() == {"sync_error": 1, "synced": 1}

    sound.refresh_from_db()
    broken.refresh_from_db()
    assert sound.synced_at
    assert (broken.sync_attempts, broken.leased_until) == (2, None)
    assert broken.next_sync_at > timezone.now()
    cause = SyncFailure.objects.get(source="background").group
    assert cause.exception == "ZeroDivisionError"
    assert cause.function.endswith("break_for_one")


def test_a_message_that_fails_before_its_retry_is_due_uses_up_no_attempt() -> None:
    state = due_conversation(due=MINUTE)
    later = state.next_sync_at
    Contact.objects.update(lead_score=1)  # so that the sync has something to write

    with refusing(LEADS):
        retry(state.pk)

    state.refresh_from_db()
    assert (state.sync_attempts, state.next_sync_at) == (1, later)
