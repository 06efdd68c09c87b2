"""How many of the latest messages failed, where, and whether that is over."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.models import Workspace
from monitoring.health.recent import recent
from monitoring.models import AlertSettings, FailureGroup
from sarah.models import SarahState
from tests.factories import (
    CauseFactory,
    ContactFactory,
    MessageFactory,
    SarahStateFactory,
    WorkspaceFactory,
    fail_sync,
)

pytestmark = pytest.mark.django_db


def conversation(slug: str = "default") -> SarahState:
    """One that is in sync."""
    lead = ContactFactory(workspace=WorkspaceFactory(slug=slug))
    return SarahStateFactory(contact_phone=lead.phone, workspace=lead.workspace)


def journal(state: SarahState, outcomes: Sequence[str], **fields: Any) -> None:
    """So many messages of it, a second apart, the last one just now."""
    for seconds, outcome in enumerate(reversed(outcomes)):
        at = timezone.now() - timedelta(seconds=seconds)
        MessageFactory(state=state, outcome=outcome, **{"received_at": at} | fields)


def numbers(workspace: Workspace | None = None) -> dict[str, tuple[int, ...]]:
    found = recent(now=timezone.now(), workspace=workspace)
    return {one.where: (one.synced, one.failed, one.behind, one.in_a_row) for one in found}


def test_strangers_and_test_numbers_are_neither_failures_nor_thin_them_out() -> None:
    state = conversation()
    journal(state, ["synced"] * 3 + ["sync_error"] + ["excluded", "contact_not_found"] * 9)
    journal(state, ["sync_error"], received_at=timezone.now() - timedelta(minutes=16))

    assert numbers() == {"default": (3, 1, 0, 0)}


def test_each_workspace_is_told_apart_with_its_own_limit() -> None:
    ours, theirs = conversation("bandung"), conversation("jakarta")
    AlertSettings.objects.create(max_failure_percent=50)
    AlertSettings.objects.create(workspace=ours.workspace, max_failure_percent=2)
    journal(ours, ["sync_error", "synced", "synced"])
    journal(theirs, ["synced"])

    assert numbers() == {"bandung": (2, 1, 0, 2), "jakarta": (1, 0, 0, 1)}
    assert {one.where: one.limit for one in recent(now=timezone.now())} == {
        "bandung": 2,
        "jakarta": 50,
    }
    assert numbers(theirs.workspace) == {"jakarta": (1, 0, 0, 1)}


def test_a_failure_is_over_once_its_conversation_has_reached_its_lead() -> None:
    healed, open_still = conversation(), conversation()
    journal(healed, ["sync_error"])
    journal(open_still, ["sync_error"])
    fail_sync(open_still)

    assert numbers() == {"default": (0, 2, 1, 0)}


def test_failures_that_people_were_told_of_can_be_left_out() -> None:
    state, cause = conversation(), CauseFactory()
    journal(state, ["sync_error", "synced"], failure_group=cause)
    journal(state, ["sync_error"])

    (found,) = recent(now=timezone.now(), without=[cause.pk])

    assert found.failed == 1


def test_in_a_rush_only_the_latest_are_read(monkeypatch) -> None:
    monkeypatch.setattr("monitoring.health.recent.MAX_RECENT", 2)
    journal(conversation(), ["sync_error", "synced", "synced"])

    assert numbers() == {"default": (2, 0, 0, 2)}


def test_what_fails_for_a_cause_that_is_ignored_alarms_nobody() -> None:
    cause, state = CauseFactory(exception="ValueError"), conversation()
    journal(state, ["sync_error"] * 3, failure_group=cause)
    journal(state, ["synced"])
    assert numbers()["default"][:2] == (1, 3)

    FailureGroup.objects.ignore(until=timezone.now() + timedelta(hours=1), by="ani")

    assert numbers()["default"][:2] == (1, 0)
