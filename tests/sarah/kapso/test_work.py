"""Deliveries are worked at once or later, once, whatever breaks on the way."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from contacts.models import ChatMessage, Contact
from monitoring.jobs import jobs
from monitoring.models import SyncFailure
from sarah.kapso import receive
from sarah.kapso.work import Worked, work, work_due
from sarah.models import KapsoDelivery
from tests.faults import refusing
from tests.kapso import Kapso, example, work_all
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)
CHAT = "contacts_chatmessage"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def kapso() -> Kapso:
    return Kapso()


@pytest.fixture
def _busy() -> Iterator[None]:
    """Another thread of this process works a delivery."""
    receive._at_work.acquire()
    yield
    receive._at_work.release()


@pytest.mark.usefixtures("_busy")
def test_in_a_burst_the_worker_works_what_the_request_leaves(kapso: Kapso) -> None:
    kapso.send(example("text"))
    assert not ChatMessage.objects.exists()

    assert jobs()["deliveries from Kapso"].run(lambda: False) == {Worked.DONE: 1}

    assert ChatMessage.objects.count() == 1
    assert work_due() is None


def test_of_many_in_a_row_a_process_works_few_in_their_requests(
    kapso: Kapso, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sarah.kapso.receive.EVERY", 3600.0)
    monkeypatch.setattr("sarah.kapso.receive._worked_at", -3600.0)

    for number in range(3):
        kapso.hears(str(number))

    assert list(ChatMessage.objects.values_list("text", flat=True)) == ["0"]
    assert work_due() == {Worked.DONE: 2}


@pytest.mark.usefixtures("_busy")
def test_a_worker_that_stops_gives_back_what_it_took(kapso: Kapso) -> None:
    kapso.send(example("text"))

    work_due(lambda: True)

    assert KapsoDelivery.objects.due().count() == 1


@pytest.mark.usefixtures("_busy")
def test_what_a_killed_worker_took_is_taken_over(kapso: Kapso) -> None:
    kapso.send(example("text"))
    (taken,) = KapsoDelivery.objects.lease(20)
    assert work_due() is None

    KapsoDelivery.objects.update(lease_ends_at=timezone.now() - timedelta(seconds=1))

    assert KapsoDelivery.objects.lease(20) == [taken]


def test_a_delivery_that_breaks_is_on_record_and_comes_again_until_it_works(kapso: Kapso) -> None:
    with refusing(CHAT):
        assert kapso.send(example("text")).status_code == 200
    failure = SyncFailure.objects.get()
    assert (failure.source, failure.kind) == ("kapso", "sync_error")
    assert (failure.workspace_ref, failure.contact_phone) == ("default", "")
    delivery = KapsoDelivery.objects.get()
    assert (delivery.attempts, delivery.worked_at) == (1, None)
    assert delivery.next_attempt_at > timezone.now()

    assert work(delivery.pk) == Worked.DONE

    failure.refresh_from_db()
    assert failure.resolution == "healed"
    assert ChatMessage.objects.count() == 1


def test_one_message_that_breaks_keeps_no_other_of_its_batch_from_coming_in(kapso: Kapso) -> None:
    kapso.send(example("text"))
    with pytest.MonkeyPatch.context() as patch:
        keep = type(ChatMessage.objects).keep

        def refuse_one(self: object, message: ChatMessage) -> bool:
            if message.type == "interactive":
                raise ValueError("refused")
            return bool(keep(self, message))

        patch.setattr(type(ChatMessage.objects), "keep", refuse_one)
        kapso.send(example("batch_of_3"))
    assert ChatMessage.objects.count() == 3

    work(KapsoDelivery.objects.get(worked_at=None).pk)

    assert ChatMessage.objects.count() == 4


def test_after_ten_attempts_a_person_replays_it(kapso: Kapso) -> None:
    with refusing(CHAT):
        kapso.send(example("text"))
        for _attempt in range(9):
            work(KapsoDelivery.objects.get().pk)
    assert KapsoDelivery.objects.parked().count() == 1
    assert SyncFailure.objects.get().occurrences == 10

    KapsoDelivery.objects.parked().replay()
    work_all()

    assert ChatMessage.objects.count() == 1
    assert not KapsoDelivery.objects.waiting().exists()


def test_a_burst_beside_a_killed_worker_loses_nothing_and_doubles_nothing(kapso: Kapso) -> None:
    """Eight connections; a worker takes some of it and dies; two others come after it."""
    people = [f"62812000000{number:02}" for number in range(20)]

    def deliver(phone: str) -> int:
        """Send it again where there was no connection in time, as Kapso does."""
        answers = (kapso.hears(phone=phone).status_code for _again in range(50))
        return next(status for status in answers if status != 503)

    def burst() -> list[int]:
        return [deliver(phone) for phone in people]

    answers = at_once([burst] * 8)
    left = KapsoDelivery.objects.lease(20)
    KapsoDelivery.objects.filter(pk__in=left).update(lease_ends_at=LONG_AGO)
    at_once([work_all] * 2)

    assert {status for statuses in answers for status in statuses} == {200}
    assert not KapsoDelivery.objects.waiting().exists()
    assert ChatMessage.objects.count() == len(people) * 8
    assert Contact.objects.count() == len(people)
    assert not SyncFailure.objects.exists()
