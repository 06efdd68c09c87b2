"""Test numbers and leads that opted out: remembered, never copied to a lead, never a failure, and
ordinary again at once."""

import pytest
from django.core.management import call_command

from contacts.models import Contact, Workspace
from monitoring.models import SyncFailure
from sarah.admin.details import explain_sync
from sarah.models import SarahState
from tests.bot import PHONE, Bot, not_synced
from tests.factories import ContactFactory, SarahStateFactory, WorkspaceFactory
from tests.faults import LEADS, refusing
from tests.staff import Staff
from tests.syncs import syncs

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "+6281234567891"
EXCLUDED = not_synced("excluded")
TOLD = {"state": "handoff", "lead_score": 80, "extracted_data": {"name": "Budi"}}


def let_test(*phones: str, **fields: object) -> Workspace:
    """Give the only workspace these test numbers."""
    workspace = Workspace.objects.get()
    changes = {"test_numbers": list(phones), **fields}
    for name, value in changes.items():
        setattr(workspace, name, value)
    workspace.save(update_fields=changes)
    return workspace


@pytest.mark.parametrize("why", ["test number", "opted out"])
def test_nothing_is_copied_and_nothing_failed(bot: Bot, why: str) -> None:
    let_test(*[PHONE] * (why == "test number"), creates_contacts=True)
    ContactFactory(phone=PHONE, opted_out=why == "opted out")
    before = Contact.objects.values().get()

    assert bot.post("0812-3456-7890", **TOLD).json() == EXCLUDED

    assert Contact.objects.values().get() == before
    assert not SyncFailure.objects.exists()
    state = SarahState.objects.get()
    assert (state.synced_at, state.sync_reason, state.next_sync_at) == (None, "excluded", None)
    assert state.sync_attempts == 0
    assert bot.get().json()["lead_score"] == 80


def test_a_test_number_becomes_no_lead_where_others_do(bot: Bot) -> None:
    let_test(PHONE, creates_contacts=True)

    assert [bot.post(phone).json()["sync"] for phone in (PHONE, OTHER)] == [False, True]

    assert Contact.objects.get().phone == OTHER


def test_a_lead_that_opts_in_again_gets_what_was_said_meanwhile(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE, opted_out=True)
    bot.post(**TOLD)

    lead.opted_out = False
    lead.save()

    lead.refresh_from_db()
    assert (lead.name, lead.lead_score, lead.lead_status) == ("Budi", 80, "contacted")
    assert SarahState.objects.get().sync_reason == ""


def test_adding_the_lead_as_opted_out_heals_the_failure(bot: Bot) -> None:
    bot.post(**TOLD)

    ContactFactory(phone=PHONE, opted_out=True)

    assert SyncFailure.objects.get().resolution == "healed"
    assert SarahState.objects.get().sync_reason == "excluded"


def test_a_test_number_is_one_in_its_own_workspace_only(bot: Bot) -> None:
    let_test(PHONE)
    lead = ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug="kopi-kita"))

    assert bot.post(workspace_id="kopi-kita", lead_score=80).json()["sync"]

    lead.refresh_from_db()
    assert lead.lead_score == 80


def test_making_a_number_a_test_number_heals_what_failed_and_leaves_its_lead_alone(
    bot: Bot,
) -> None:
    lead = ContactFactory(phone=OTHER)
    bot.post(PHONE)
    bot.post(OTHER, lead_score=70)
    with refusing(LEADS):
        bot.post(OTHER, lead_score=80)
    assert set(SyncFailure.objects.open().values_list("kind", flat=True)) == {
        "contact_not_found",
        "sync_error",
    }

    let_test(PHONE, OTHER)

    assert set(SyncFailure.objects.values_list("resolution", flat=True)) == {"healed"}
    assert not SarahState.objects.out_of_sync().exists()
    assert SarahState.objects.excluded().count() == 2
    state = SarahState.objects.get(contact_phone=OTHER)
    assert (state.contact, state.sync_attempts, state.next_sync_at) == (lead, 0, None)
    lead.refresh_from_db()
    assert lead.lead_score == 70


def test_taking_a_number_out_syncs_its_conversation_and_touches_no_other(bot: Bot) -> None:
    let_test(PHONE, OTHER)
    lead = ContactFactory(phone=PHONE)
    opted_out = ContactFactory(opted_out=True)
    for phone in (PHONE, OTHER, opted_out.phone, "+6281234567892"):
        bot.post(phone, lead_score=80)
    others = SarahState.objects.exclude(contact_phone=PHONE).order_by("pk").values()
    before = list(others), list(SyncFailure.objects.values())

    let_test(OTHER)

    lead.refresh_from_db()
    assert (lead.lead_score, lead.conversations.get().sync_reason) == (80, "")
    assert (list(others.all()), list(SyncFailure.objects.values())) == before


def test_saving_a_workspace_retries_only_what_that_can_change(bot: Bot) -> None:
    let_test(PHONE)
    synced, opted_out = ContactFactory(), ContactFactory(opted_out=True)
    for phone in (PHONE, OTHER, synced.phone, opted_out.phone):
        bot.post(phone)

    with syncs() as in_vain:
        let_test(PHONE)
        let_test(PHONE, creates_contacts=True, max_created_per_hour=0)
    with syncs() as retried:
        let_test(synced.phone, PHONE, max_created_per_hour=500)

    assert not in_vain
    assert retried == {synced.phone: 1, OTHER: 1}


def test_numbers_written_past_the_signals_are_drift_once(capsys) -> None:
    lead = ContactFactory(phone=PHONE)
    SarahStateFactory(contact_phone=PHONE)
    SarahStateFactory(contact_phone=OTHER)
    seen = []

    for numbers in ([PHONE, OTHER], [OTHER]):
        Workspace.objects.update(test_numbers=numbers)
        call_command("reconcile")
        seen.append(set(SarahState.objects.excluded().values_list("contact_phone", flat=True)))
        call_command("reconcile")

    assert seen == [{PHONE, OTHER}, {OTHER}]
    assert not SyncFailure.objects.open().exists()
    assert SarahState.objects.synced().get().contact == lead
    assert capsys.readouterr().out.splitlines() == [
        f"Checked 2: {healed} healed, 0 failed, 0 still open." for healed in (2, 0, 1, 0)
    ]


def test_lists_and_words_tell_excluded_from_failed() -> None:
    let_test(PHONE)
    test = SarahStateFactory(contact_phone=PHONE)
    opted_out = SarahStateFactory(contact_phone=ContactFactory(opted_out=True).phone)
    waiting = SarahStateFactory()
    staff = Staff("Sales")

    for query, rows in (
        ({"sync": "excluded"}, {test, opted_out}),
        ({"reason": "excluded"}, {test, opted_out}),
        ({"sync": "out"}, {waiting}),
    ):
        assert set(staff.list_of(SarahState, **query).result_list) == rows, query
    assert "test number" in explain_sync(test)
    assert "opted out" in explain_sync(opted_out)
