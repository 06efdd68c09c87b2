"""Messages and the records of monitoring go when nobody will ask for them any more."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt, AccessLog
from django.core.management import CommandError, call_command
from django.db.models import Model
from django.utils import timezone

from contacts.models import ChatMark, ChatMessage
from monitoring import pruning
from monitoring.models import (
    Alert,
    AlertDelivery,
    AlertSettings,
    FailureGroup,
    FailureGroupQuerySet,
    Heartbeat,
    SyncRun,
)
from monitoring.pruning import prunable, prune, surplus_messages
from sarah.models import KapsoDelivery, SarahState, StateUpdate
from tests.factories import (
    CauseFactory,
    MessageFactory,
    SarahStateFactory,
    SyncFailureFactory,
    WorkspaceFactory,
)

pytestmark = pytest.mark.django_db


def ago(**length: float) -> datetime:
    return timezone.now() - timedelta(**length)


def left(model: type[Model], field: str) -> set[Any]:
    return set(model.objects.values_list(field, flat=True))


def test_refused_messages_go_after_a_week_and_their_failure_stays() -> None:
    failure = SyncFailureFactory(kind="rejected_payload")
    for age in (8, 6):
        failure.bodies.create(body=b"{", digest=f"{age}", received_at=ago(days=age), refusal="body")

    assert prune() == {"refused messages": 1}

    assert failure.bodies.get().digest == "6"


def test_failed_logins_go_after_a_day_and_known_addresses_after_a_year() -> None:
    for model, kept, fields in (
        (AccessAttempt, 1, {"failures_since_start": 1}),
        (AccessLog, 365, {}),
    ):
        for age in (kept - 0.1, kept + 0.1):
            row = model.objects.create(username=f"{age}", **fields)
            model.objects.filter(pk=row.pk).update(attempt_time=ago(days=age))

    assert prune() == {"failed log-ins": 1, "log-ins": 1}


def test_finished_reconciliations_go_after_ninety_days() -> None:
    for ended in (ago(days=91), ago(days=89), None):
        SyncRun.objects.create(
            trigger="worker", started_at=ago(days=91), finished_at=ended, checked=bool(ended)
        )

    assert prune() == {"reconciliations": 1}

    assert SyncRun.objects.count() == 2


def test_recovered_alerts_go_with_their_deliveries_and_open_ones_stay() -> None:
    to = AlertSettings.objects.create()
    for subject, recovered in (("old", ago(days=91)), ("new", ago(days=1)), ("open", None)):
        alert = Alert.objects.create(
            cause="backlog", subject=subject, started_at=ago(days=99), recovered_at=recovered
        )
        for recipient in ("ani@example.com", "budi@example.com"):
            AlertDelivery.objects.create(
                settings=to, alert=alert, event="raised", channel="email", recipient=recipient
            )
    for age in (1, 91):
        AlertDelivery.objects.create(
            settings=to, event="test", channel="email", created_at=ago(days=age)
        )

    assert prune() == {"alerts": 1, "alert deliveries": 3}

    assert left(Alert, "subject") == {"new", "open"}
    assert left(AlertDelivery, "alert__subject") == {"new", "open", None}


def test_a_killed_worker_is_forgotten_after_a_day() -> None:
    for worker, beat in (("long gone", ago(hours=25)), ("killed", ago(hours=23))):
        Heartbeat.objects.create(worker=worker, beat_at=beat)

    assert prune() == {"workers": 1}

    assert left(Heartbeat, "worker") == {"killed"}


def test_a_cause_goes_when_nothing_is_left_of_it() -> None:
    by_person: dict[str, dict[str, Any]] = {
        "old word": {"resolved_at": ago(days=91), "resolved_by": "ani"},
        "resolved": {"resolved_at": ago(days=89), "resolved_by": "ani"},
        "acknowledged": {"acknowledged_at": ago(days=89), "acknowledged_by": "ani"},
        "ignored": {"ignored_until": ago(days=-1), "ignored_by": "ani"},
    }
    for name in ("young", "empty", "has failures", "in the journal", *by_person):
        CauseFactory(
            exception=name,
            created_at=ago(days=89 if name == "young" else 91),
            **by_person.get(name, {}),
        )
    SyncFailureFactory(group=FailureGroup.objects.get(exception="has failures"))
    MessageFactory(failure_group=FailureGroup.objects.get(exception="in the journal"))
    told_by_conversation = {""}  # the factory's conversation has no lead

    assert prune() == {"causes of failures": 2}

    assert left(FailureGroup, "exception") == {
        *("young", "has failures", "in the journal", "resolved", "acknowledged", "ignored"),
        *told_by_conversation,
    }


def test_a_cause_that_fails_again_while_it_is_pruned_is_kept(monkeypatch) -> None:
    cause = CauseFactory(created_at=ago(days=91))
    locked = FailureGroupQuerySet.select_for_update

    def fails_meanwhile(rows: Any, **kwargs: Any) -> Any:
        if rows.model is FailureGroup:
            SyncFailureFactory(group=cause)
        return locked(rows, **kwargs)

    monkeypatch.setattr(
        type(FailureGroup._base_manager.all()), "select_for_update", fails_meanwhile
    )

    assert prune() == {}
    assert FailureGroup.objects.get() == cause


# Messages


@pytest.fixture
def state() -> SarahState:
    return SarahStateFactory()


def messages(state: SarahState, *ages: float) -> list[StateUpdate]:
    """Messages that came in so many days ago."""
    return [MessageFactory(state=state, received_at=ago(days=age)) for age in ages]


@pytest.mark.parametrize("days", [90, 30])
def test_messages_go_after_ninety_days_or_as_many_as_are_set_and_conversations_stay(
    state: SarahState, settings: Any, days: int
) -> None:
    assert settings.LEADSYNC_JOURNAL_DAYS == 90
    settings.LEADSYNC_JOURNAL_DAYS = days
    _older, _old, young, new = messages(state, 200, days + 0.01, days - 0.01, 0)

    assert prune() == {"messages from Sarah": 2}

    assert set(StateUpdate.objects.all()) == {young, new}
    assert SarahState.objects.get() == state
    assert state.failures.exists()


def test_the_newest_messages_stay_when_there_are_too_many(state: SarahState, settings: Any) -> None:
    settings.LEADSYNC_JOURNAL_MAX_ROWS = 3
    sent = messages(state, 5, 4, 3, 2, 1)
    sent.pop(3).delete()  # keys have gaps

    assert prune() == {"messages from Sarah": 1}

    assert list(StateUpdate.objects.order_by("pk")) == sent[1:]
    assert prune() == {}


def test_what_is_both_too_old_and_too_much_counts_once(state: SarahState, settings: Any) -> None:
    settings.LEADSYNC_JOURNAL_MAX_ROWS = 1
    messages(state, 91, 1)

    assert prunable() == {"messages from Sarah": 1}


def test_a_journal_within_its_limit_is_not_counted(
    state: SarahState, django_assert_num_queries
) -> None:
    messages(state, 1)

    with django_assert_num_queries(1):  # its first and its last key
        assert not surplus_messages()


def test_it_deletes_in_small_commits_oldest_first_and_stops_when_told(
    state: SarahState, monkeypatch
) -> None:
    monkeypatch.setattr(pruning, "BATCH_SIZE", 2)
    *_gone, left = messages(state, 95, 94, 93, 92, 91)
    answers = iter([False, False])

    deleted = prune(stopped=lambda: next(answers, True))

    assert deleted == {"messages from Sarah": 4}
    assert StateUpdate.objects.get() == left
    assert prune() == {"messages from Sarah": 1}


def test_the_command_counts_first_and_then_deletes(state: SarahState, capsys) -> None:
    messages(state, 20, 10, 1)
    SyncRun.objects.create(trigger="command", finished_at=ago(days=9))

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


def test_the_chat_goes_after_the_days_of_its_workspace() -> None:
    for slug, days in (("short", 30), ("long", 180)):
        workspace = WorkspaceFactory(slug=slug, chat_days=days)
        for age in (10, 100, 200):
            about = {"workspace": workspace, "wamid": f"wamid.{age}"}
            ChatMessage.objects.create(
                **about, contact_phone="+6281234567890", author="lead", sent_at=ago(days=age)
            )
            ChatMark.objects.create(**about, status="read", at=ago(days=age))

    assert prune() == {"chat messages": 3, "delivery marks": 3}

    kept = ChatMessage.objects.order_by("pk").values_list("workspace__slug", "wamid")
    assert list(kept) == [
        ("short", "wamid.10"),
        ("long", "wamid.10"),
        ("long", "wamid.100"),
    ]


def test_deliveries_go_a_week_after_they_came_unless_they_still_wait() -> None:
    workspace = WorkspaceFactory()
    for key, age, worked in (("new", 6, True), ("old", 8, True), ("waits", 8, False)):
        KapsoDelivery.objects.create(
            workspace=workspace,
            idempotency_key=key,
            body="{}",
            received_at=ago(days=age),
            worked_at=ago(days=age) if worked else None,
        )

    assert prune() == {"deliveries from Kapso": 1}

    assert left(KapsoDelivery, "idempotency_key") == {"new", "waits"}
