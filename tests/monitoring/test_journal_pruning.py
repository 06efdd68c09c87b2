"""The journal is kept as long as it should be, and no longer."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from monitoring import pruning
from monitoring.models import SyncRun
from monitoring.pruning import prune, surplus_messages
from sarah.models import SarahState, StateUpdate
from tests.factories import SarahStateFactory, StateUpdateFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def state() -> SarahState:
    return SarahStateFactory()


def journal(state: SarahState, *ages: float) -> list[StateUpdate]:
    """Messages that came in so many days ago."""
    now = timezone.now()
    return [StateUpdateFactory(state=state, received_at=now - timedelta(days=age)) for age in ages]


def test_messages_go_after_ninety_days_and_conversations_stay(state: SarahState) -> None:
    _older, _old, young, new = journal(state, 200, 90.01, 89.99, 0)

    assert prune() == {"messages from Sarah": 2}

    assert set(StateUpdate.objects.all()) == {young, new}
    assert SarahState.objects.get() == state
    assert state.failures.exists()


def test_the_newest_messages_stay_when_there_are_too_many(state: SarahState, settings: Any) -> None:
    settings.LEADSYNC_JOURNAL_MAX_ROWS = 3
    updates = journal(state, 5, 4, 3, 2, 1)
    updates.pop(3).delete()  # keys have gaps

    assert prune() == {"messages from Sarah": 1}

    assert list(StateUpdate.objects.order_by("pk")) == updates[1:]
    assert prune() == {}


def test_a_journal_within_its_limit_is_not_counted(
    state: SarahState, django_assert_num_queries
) -> None:
    journal(state, 1)

    with django_assert_num_queries(1):  # its first and its last key
        assert not surplus_messages()


def test_it_deletes_in_small_commits_oldest_first_and_stops_when_told(
    state: SarahState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH_SIZE", 2)
    *_gone, left = journal(state, 95, 94, 93, 92, 91)
    answers = iter([False, False])

    deleted = prune(stopped=lambda: next(answers, True))

    assert deleted == {"messages from Sarah": 4}
    assert StateUpdate.objects.get() == left
    assert prune() == {"messages from Sarah": 1}


def test_the_command_counts_first_and_then_deletes(state: SarahState, capsys) -> None:
    journal(state, 20, 10, 1)
    SyncRun.objects.begin(trigger="command").finish()
    SyncRun.objects.update(finished_at=timezone.now() - timedelta(days=9))

    call_command("prune", "--dry-run", "--days", "7")
    assert capsys.readouterr().out == "Would delete 2 messages from Sarah, 1 reconciliations.\n"
    assert (StateUpdate.objects.count(), SyncRun.objects.count()) == (3, 1)

    call_command("prune")
    assert capsys.readouterr().out == "Deleted nothing.\n"

    call_command("prune", "--days", "7")
    assert capsys.readouterr().out == "Deleted 2 messages from Sarah, 1 reconciliations.\n"
    assert (StateUpdate.objects.count(), SyncRun.objects.count()) == (1, 0)


@pytest.mark.parametrize("days", ["0", "-1", "7d", ""])
def test_a_wrong_number_of_days_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="not a number of days"):
        call_command("prune", f"--days={days}")
