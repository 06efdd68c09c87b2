"""Drift between what Sarah said and what the lead shows is found and healed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command

from contacts.models import Contact, Workspace
from monitoring.models import SyncFailure, SyncRun
from sarah import reconcile as module
from sarah.admin.details import explain_sync
from sarah.models import SarahState
from sarah.resolve import resolve_failures
from sarah.retry import retry
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, SarahStateFactory, WorkspaceFactory, fail_sync
from tests.faults import LEADS, refusing

pytestmark = pytest.mark.django_db(transaction=True)


def synced_lead(**facts: object) -> Contact:
    lead = ContactFactory()
    SarahStateFactory(contact_phone=lead.phone, extracted_data=facts)
    return lead


@pytest.fixture
def reconcile(capsys) -> Callable[..., str]:
    def run(*arguments: str) -> str:
        call_command("reconcile", *arguments)
        return capsys.readouterr().out

    return run


NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
EXCLUDED = {"synced_at": None, "sync_reason": "excluded"}
TEST_NUMBER = {"contact_phone": "+6281299999999"}


@pytest.mark.parametrize(
    ("state", "lead", "has_drifted"),
    [
        ({}, {}, False),
        ({}, None, True),
        ({"synced_at": None}, {}, True),
        ({"revision": 2, "synced_revision": 1}, {}, True),
        ({"contact_id": 2}, {}, True),
        ({"lead_score": 5}, {}, True),
        ({"lead_score": 5}, {"staff_fields": ["lead_score"]}, False),
        ({}, {"opted_out": True}, True),
        (EXCLUDED, {"opted_out": True}, False),
        (EXCLUDED, {}, True),
        (TEST_NUMBER, {}, True),
        (EXCLUDED | TEST_NUMBER, {}, False),
        (EXCLUDED | TEST_NUMBER, None, False),
    ],
)
def test_drift_is_what_a_sync_would_change(state, lead, has_drifted) -> None:
    home = Workspace(test_numbers=["+6281299999999"])
    in_sync = {"workspace": home, "contact_id": 1, "updated_at": NOON, "synced_at": NOON}

    found = module.has_drifted(
        SarahState(**in_sync | state),
        None if lead is None else Contact(pk=1, last_activity_at=NOON, **lead),
    )

    assert found is has_drifted


def test_exactly_the_drift_is_healed_and_a_second_run_finds_nothing(reconcile) -> None:
    lead, untouched = synced_lead(goals="grow"), synced_lead(goals="rest")
    Contact.objects.filter(pk=lead.pk).update(goals="")

    first, second = reconcile(), reconcile()

    assert first == "Checked 2: 1 healed, 0 failed, 0 still open.\n"
    assert second == "Checked 2: 0 healed, 0 failed, 0 still open.\n"
    lead.refresh_from_db()
    untouched.refresh_from_db()
    assert (lead.goals, untouched.goals) == ("grow", "rest")


@pytest.mark.parametrize("again", ["reconcile", "resync", "heal"])
def test_a_status_that_a_person_set_stays_until_the_bot_writes_again(
    bot: Bot, reconcile, again: str
) -> None:
    lead, handoff = ContactFactory(phone=PHONE), {"state": "handoff", "lead_score": 80}
    bot.post(**handoff, extracted_data={"goals": "grow"})
    lead.change_status("qualified", by="ani")
    Contact.objects.update(goals="", opted_out=again == "heal")

    if again == "heal":
        retry(SarahState.objects.get().pk)
        lead.refresh_from_db()
        lead.opted_out = False
        lead.save()
    else:
        call_command(again, *["--all"] * (again == "resync"))

    lead.refresh_from_db()
    assert (lead.goals, lead.lead_status, lead.status_changed_by) == ("grow", "qualified", "ani")
    assert "1: 0 healed" in reconcile().splitlines()[-1]

    bot.post(**handoff)

    lead.refresh_from_db()
    assert (lead.lead_status, lead.status_changed_by) == ("contacted", "sarah-bot")


def test_a_dry_run_only_counts(reconcile) -> None:
    lead = synced_lead(goals="grow")
    Contact.objects.filter(pk=lead.pk).update(goals="")

    assert reconcile("--dry-run") == "Checked 1: 1 would be healed.\n"

    lead.refresh_from_db()
    assert lead.goals == ""
    assert not SyncRun.objects.exists()


def test_a_lead_still_missing_is_not_recorded_again(reconcile) -> None:
    state = SarahStateFactory()
    ContactFactory(phone=state.contact_phone, workspace=WorkspaceFactory(slug="elsewhere"))

    assert "1 still open" in reconcile()

    assert SyncFailure.objects.get().occurrences == 1


def test_a_workspace_that_no_signal_told_of_is_found(reconcile) -> None:
    SarahStateFactory(workspace=None, workspace_ref="soon")
    Workspace.objects.bulk_create([Workspace(slug="soon", creates_contacts=True)])

    assert "1 healed" in reconcile()


def test_a_failed_sync_whose_lead_is_gone_waits_for_a_lead_from_then_on(reconcile) -> None:
    state = fail_sync(SarahStateFactory(), due=HOUR)

    with pytest.raises(SystemExit):
        reconcile()

    state.refresh_from_db()
    assert state.sync_reason == "contact_not_found"
    assert "1 still open" in reconcile()


def test_what_a_person_gave_up_waits_for_the_next_message(bot: Bot, reconcile) -> None:
    lead = ContactFactory(phone=PHONE)
    with refusing(LEADS):
        bot.post(lead_score=80)
    resolve_failures(SyncFailure.objects.all(), by="ani")
    SyncFailure.objects.all().delete()  # as the log's limit does

    assert "1 still open" in reconcile()
    state = SarahState.objects.get()
    assert (state.given_up_by, state.next_sync_at) == ("ani", None)
    assert "ani" in explain_sync(state)

    with refusing(LEADS):
        bot.post()
    state.refresh_from_db()
    assert (state.given_up_at, state.given_up_by, state.sync_attempts) == (None, "", 1)
    assert state.next_sync_at
    assert "1 healed" in reconcile()
    lead.refresh_from_db()
    assert lead.lead_score == 80


def test_a_retry_ends_that_a_person_gave_up(bot: Bot) -> None:
    ContactFactory(phone=PHONE)
    with refusing(LEADS):
        bot.post(lead_score=80)
        resolve_failures(SyncFailure.objects.all(), by="ani")
        retry(SarahState.objects.get().pk, by="budi")

    state = SarahState.objects.get()
    assert (state.given_up_at, state.sync_attempts) == (None, 1)
    assert SyncFailure.objects.open().get().state == state


def test_resolving_what_is_not_about_the_sync_gives_nothing_up(bot: Bot) -> None:
    bot.post(lead_score=250)

    resolve_failures(SyncFailure.objects.filter(kind="invalid_payload"), by="ani")

    assert SarahState.objects.get().given_up_at is None


def test_what_is_parked_is_parked_for_the_reconciliation_too(reconcile) -> None:
    ContactFactory(phone=fail_sync(SarahStateFactory()).contact_phone)

    assert "1 still open" in reconcile()


def test_unknown_numbers_that_a_person_gave_up_become_no_leads_with_the_others(bot: Bot) -> None:
    bot.post(PHONE)
    resolve_failures(SyncFailure.objects.all(), by="ani")
    bot.post("+6281234567891")

    workspace = Workspace.objects.get()
    workspace.creates_contacts = True
    workspace.save()

    assert Contact.objects.get().phone == "+6281234567891"


@pytest.mark.parametrize("step", ["has_drifted", "retry"])
def test_a_conversation_that_breaks_goes_to_the_queue_and_the_rest_is_healed(
    step: str, reconcile, monkeypatch
) -> None:
    broken, other = synced_lead(goals="grow"), synced_lead(goals="rest")
    Contact.objects.update(goals="")
    state = SarahState.objects.get(contact=broken)
    real = getattr(module, step)

    def break_for_one(one, *args: object) -> object:
        if one in (state, state.pk):
            raise ZeroDivisionError
        return real(one, *args)

    monkeypatch.setattr(module, step, break_for_one)
    with pytest.raises(SystemExit):
        reconcile()

    other.refresh_from_db()
    state.refresh_from_db()
    run = SyncRun.objects.get()
    assert (other.goals, run.failed, run.healed, run.error) == ("rest", 1, 1, "")
    assert state.next_sync_at
    assert SyncFailure.objects.get(state=state).group.exception == "ZeroDivisionError"


def test_it_passes_all_in_batches_and_pauses_after_each_and_each_that_healed(monkeypatch) -> None:
    monkeypatch.setattr(module, "BATCH_SIZE", 2)
    for _ in range(3):
        synced_lead(goals="grow")
    Contact.objects.update(goals="")
    drift = module.Drift()

    pauses = [(drift.checked, drift.healed) for _pause in module.reconcile(drift)]

    assert pauses == [(2, 1), (2, 2), (2, 2), (3, 3), (3, 3)]
