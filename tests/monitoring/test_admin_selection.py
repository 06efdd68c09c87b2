"""Actions on all failures that match a filter: what will happen, a yes, and what came of it."""

import pytest

from monitoring.models import Heartbeat, SyncFailure
from sarah import retry
from sarah.resolve import resolve_failures
from tests.factories import SarahStateFactory, SyncFailureFactory, unseen_lead
from tests.staff import Staff, messages_of

pytestmark = pytest.mark.django_db

LIST = "/admin/monitoring/syncfailure/"


def waiting(count: int) -> None:
    """So many failures of conversations whose lead is there by now."""
    for state in SarahStateFactory.create_batch(count):
        unseen_lead(state)


def test_an_action_takes_all_that_match_the_filter_and_not_only_the_page() -> None:
    matching = SyncFailureFactory.create_batch(55, workspace_ref="shop")
    other = SyncFailureFactory()
    staff = Staff("Operators")
    chosen = {
        "action": "mark_resolved",
        "_selected_action": [matching[0].pk],
        "select_across": "1",
    }

    question = staff.client.post(f"{LIST}?workspace=shop", chosen).content.decode()
    answer = staff.client.post(
        f"{LIST}?workspace=shop", chosen | {"confirmed": "1", "note": "x"}, follow=True
    )

    assert ">55</dd>" in question
    assert 'name="select_across" value="1"' in question
    assert messages_of(answer) == ["55 failures marked resolved."]
    assert SyncFailure.objects.open().get() == other


def test_a_question_tells_what_is_selected() -> None:
    refused = SyncFailureFactory.create_batch(2, kind="rejected_payload")
    closed = SyncFailureFactory()
    resolve_failures(SyncFailure.objects.filter(pk=closed.pk), by="ani")
    chosen = [row.pk for row in (*refused, closed, SyncFailureFactory())]

    question = Staff("Operators").client.post(
        f"{LIST}?outcome=all", {"action": "retry", "_selected_action": chosen}
    )

    assert [(str(label), number) for label, number in question.context["numbers"]] == [
        ("Failures", "4"),
        ("Sync error", "2"),
        ("Message refused", "2"),
        ("Resolved already, will be left alone", "1"),
        ("No retry can end them, will be left alone", "3"),
    ]


def test_a_retry_of_many_says_what_is_done_and_what_the_worker_does(monkeypatch) -> None:
    monkeypatch.setattr(retry, "AT_ONCE", 1)
    waiting(3)
    SyncFailureFactory(kind="rejected_payload")
    staff = Staff("Operators")

    answer = staff.runs("retry", SyncFailure.objects.all(), confirmed="1")

    assert messages_of(answer) == [
        "1 conversation is in sync now.",
        "2 more are due now, for the worker.",
        "No worker is running: start one (manage.py sync_worker).",
        "1 failure was left alone: it is resolved, or no retry can end it.",
    ]
    Heartbeat.objects.beat("w")
    assert len(messages_of(staff.runs("retry", SyncFailure.objects.all(), confirmed="1"))) == 3
