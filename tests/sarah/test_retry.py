"""Retries: on a person's word, by command, and always with what is stored."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from django.core.management import call_command
from django.utils import timezone

from contacts.models import Contact
from monitoring.models import SyncFailure
from sarah import retry
from sarah.models import SarahState
from sarah.queue import work_batch
from tests.bot import PHONE
from tests.factories import (
    ContactFactory,
    SarahStateFactory,
    SyncFailureFactory,
    WorkspaceFactory,
    unseen_lead,
)
from tests.syncs import syncs

pytestmark = pytest.mark.django_db

OTHER = "+6281234567891"


def conversation(phone: str = PHONE, **fields: object) -> SarahState:
    return SarahStateFactory(contact_phone=phone, lead_score=80, **fields)


def last_line(capsys) -> str:
    return capsys.readouterr().out.splitlines()[-1]


@pytest.mark.parametrize(("by", "resolution"), [("", "healed"), ("ani", "retried")])
def test_a_retry_syncs_what_is_stored_now_and_signs_what_it_ends(by, resolution):
    state = conversation()
    SarahState.objects.update(lead_score=90)
    lead = unseen_lead(state)

    result = retry.retry(state.pk, by=by)

    lead.refresh_from_db()
    state.refresh_from_db()
    assert (result.synced, lead.lead_score) == (True, 90)
    assert (state.contact, state.sync_reason, state.sync_attempts) == (lead, "", 0)
    failure = SyncFailure.objects.get()
    assert (failure.resolution, failure.resolved_by) == (resolution, by)


def test_a_retry_is_no_new_word_of_the_lead():
    state = conversation(message_count=3)
    before = (state.updated_at, state.revision, state.message_count)
    lead = unseen_lead(state, last_activity_at=state.updated_at - timedelta(days=2))

    retry.retry(state.pk)

    state.refresh_from_db()
    lead.refresh_from_db()
    assert (state.updated_at, state.revision, state.message_count) == before
    assert lead.last_activity_at == state.updated_at


def test_a_retry_that_fails_is_no_occurrence_because_nobody_said_anything():
    state = conversation()
    seen = SyncFailure.objects.values("occurrences", "last_seen_at", "request_id")
    before = seen.get()

    result = retry.retry(state.pk, by="ani")

    state.refresh_from_db()
    assert result.reason == "contact_not_found"
    assert seen.get() == before
    assert (state.synced_at, state.sync_reason) == (None, "contact_not_found")


def test_a_retry_that_fails_brings_news_of_the_error(monkeypatch):
    state = conversation()
    unseen_lead(state)
    for error in (KeyError("first"), ValueError("second")):
        monkeypatch.setattr("sarah.rules.changes_for", Mock(side_effect=error))
        retry.retry(state.pk)

    failure = SyncFailure.objects.get(kind="sync_error")
    assert (failure.error, failure.occurrences) == ("ValueError: second", 1)


def test_a_conversation_that_is_gone_is_not_retried():
    assert retry.retry(0) is None


def test_a_person_retries_what_a_sync_may_heal_and_is_told_what_came_of_it():
    mended, broken = conversation(PHONE), conversation(OTHER)
    unseen_lead(mended)
    in_sync = conversation(ContactFactory().phone)
    SyncFailureFactory(state=in_sync, kind="invalid_payload")
    SyncFailureFactory(state=in_sync, resolved_at=timezone.now(), resolution="manual")
    SyncFailureFactory(state=None)

    with syncs() as synced:
        outcome = retry.retry_failures(SyncFailure.objects.all(), by="ani")

    assert outcome == retry.Retried(synced=1, still_failing=1)
    assert synced == {mended.contact_phone: 1, broken.contact_phone: 1}
    healed = SyncFailure.objects.get(resolution="retried")
    assert (healed.state, healed.resolved_by) == (mended, "ani")


@pytest.mark.parametrize(("limit", "value", "synced"), [("AT_ONCE", 1, 1), ("PATIENCE", 0, 0)])
def test_more_than_a_person_waits_for_are_due_for_the_worker(monkeypatch, limit, value, synced):
    monkeypatch.setattr(retry, limit, value)
    for phone in (PHONE, OTHER):
        unseen_lead(conversation(phone))

    outcome = retry.retry_failures(SyncFailure.objects.all(), by="ani")

    assert outcome == retry.Retried(synced=synced, due=2 - synced)
    assert work_batch() == {"synced": 2 - synced}
    ended = SyncFailure.objects.values_list("resolution", "resolved_by")
    assert list(ended) == [("retried", "ani")] * 2


def test_a_retry_that_a_person_asked_for_and_that_fails_is_not_signed_later():
    state, _in_sync = conversation(), conversation(ContactFactory().phone)
    assert SarahState.objects.all().retry_now(by="ani") == 1
    work_batch()
    unseen_lead(state)

    retry.retry(state.pk)

    failure = SyncFailure.objects.get()
    assert (failure.resolution, failure.resolved_by) == ("healed", "")


def test_a_retry_of_many_passes_by_every_conversation_once_although_they_heal(monkeypatch):
    monkeypatch.setattr(retry, "BATCH_SIZE", 5)
    states = [conversation(f"+62812345678{number:02}") for number in range(12)]
    for state in states:
        unseen_lead(state)

    with syncs() as synced:
        results = list(retry.retry_each(SarahState.objects.out_of_sync()))

    assert [result.synced for result in results] == [True] * 12
    assert synced == {state.contact_phone: 1 for state in states}


def test_the_command_retries_what_is_out_of_sync_and_leaves_the_rest(capsys):
    in_sync = conversation(ContactFactory(phone=OTHER).phone)
    Contact.objects.update(lead_score=1)
    unseen_lead(conversation(PHONE))

    call_command("resync")

    assert Contact.objects.get(phone=PHONE).lead_score == 80
    assert Contact.objects.get(phone=OTHER).lead_score == 1
    assert in_sync.contact.phone == OTHER
    assert " 1 " in last_line(capsys)

    call_command("resync", "--all")

    assert Contact.objects.get(phone=OTHER).lead_score == 80


def test_the_command_ends_with_3_where_problems_remain(capsys):
    unseen_lead(conversation(OTHER), opted_out=True)
    call_command("resync")  # who opted out is no problem
    conversation()

    with pytest.raises(SystemExit, match="3"):
        call_command("resync")

    assert "contact_not_found" in last_line(capsys)


@pytest.mark.parametrize(
    ("selection", "count"),
    [
        ([], 3),
        (["--phone", "0812-3456-7890"], 1),
        (["--workspace", "kopi-kita"], 1),
        (["--since", "7d"], 2),
        (["--all", "--since", "7d"], 3),
        (["--phone", "0899 1111 2222"], 0),
    ],
)
def test_a_dry_run_counts_what_is_selected_and_syncs_nothing(capsys, selection, count):
    conversation(PHONE)
    conversation(OTHER, workspace=WorkspaceFactory(slug="kopi-kita"))
    old = conversation("+6281234567892")
    SarahState.objects.filter(pk=old.pk).update(updated_at=timezone.now().replace(year=2020))
    conversation(ContactFactory().phone)
    before = list(SarahState.objects.order_by("pk").values())

    call_command("resync", "--dry-run", *selection)

    assert f" {count} " in last_line(capsys)
    assert list(SarahState.objects.order_by("pk").values()) == before


def test_a_retry_finds_the_workspace_of_a_lead_that_no_signal_told_of():
    kopi = WorkspaceFactory(slug="kopi-kita")
    state = conversation(workspace=None)
    lead = unseen_lead(state, workspace=kopi)

    retry.retry(state.pk)

    state.refresh_from_db()
    assert (state.workspace, state.contact) == (kopi, lead)


@pytest.mark.parametrize("is_somebody_elses", [False, True])
def test_a_conversation_whose_lead_has_another_phone_now_lets_go_of_it(is_somebody_elses):
    state = conversation(ContactFactory().phone)
    Contact.objects.update(phone="+6281299999999")
    other = unseen_lead(state) if is_somebody_elses else None

    retry.retry(state.pk)

    state.refresh_from_db()
    assert state.sync_reason == ("" if other else "contact_not_found")
    assert state.contact == other


def test_waiting_for_a_lead_uses_up_no_retry():
    state = conversation()
    for _ in range(12):
        retry.retry(state.pk)

    state.refresh_from_db()
    assert (state.sync_attempts, state.has_open_failures) == (0, True)
