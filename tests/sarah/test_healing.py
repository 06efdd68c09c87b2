"""What could not be synced heals by itself as soon as its cause is gone."""

from collections.abc import Callable

import pytest
from django.core import serializers
from django.db import transaction

from contacts.models import Contact, Workspace
from monitoring.models import SyncFailure
from sarah.models import SarahState
from sarah.queue import work_batch
from sarah.resolve import resolve_failures
from sarah.retry import heal_waiting
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory, SarahStateFactory, WorkspaceFactory
from tests.faults import CONVERSATIONS, refusing
from tests.syncs import syncs

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "+6281234567891"


def is_healed(state: SarahState, lead: Contact) -> bool:
    """Whether the conversation is in sync with this lead, and no failure of it is open."""
    state.refresh_from_db()
    lead.refresh_from_db()
    return (
        (state.contact, state.workspace) == (lead, lead.workspace)
        and (state.workspace_ref, state.sync_reason, state.sync_attempts) == ("", "", 0)
        and state.synced_at is not None
        and lead.lead_score == state.lead_score > 0
        and {failure.resolution for failure in state.failures.all()} == {"healed"}
    )


def open_failures() -> list[str]:
    return list(SyncFailure.objects.open().order_by("pk").values_list("kind", flat=True))


def test_adding_the_lead_heals_its_conversation_and_no_other(bot: Bot) -> None:
    bot.post(OTHER, lead_score=40)
    bot.post(PHONE, lead_score=80)

    lead = ContactFactory(phone=PHONE)

    assert is_healed(SarahState.objects.get(contact_phone=PHONE), lead)
    assert open_failures() == ["contact_not_found"]
    assert SarahState.objects.out_of_sync().get().contact_phone == OTHER


def correct_the_phone() -> None:
    lead = ContactFactory(phone=OTHER)
    lead.phone = PHONE
    lead.save(update_fields=["phone"])


def change_workspace(**fields: object) -> None:
    home = Workspace.objects.get()
    for name, value in fields.items():
        setattr(home, name, value)
    home.save()


@pytest.mark.parametrize(
    ("waits", "ends"),
    [
        ({}, correct_the_phone),
        ({}, lambda: change_workspace(creates_contacts=True)),
        (
            {"workspace_id": "1065"},
            lambda: change_workspace(kapso_phone_number_id="1065", creates_contacts=True),
        ),
    ],
    ids=["a phone is corrected", "leads are created from now on", "a Kapso id is given"],
)
def test_whatever_it_waited_for_heals_it(
    bot: Bot, waits: dict[str, str], ends: Callable[[], None]
) -> None:
    bot.post(PHONE, lead_score=80, **waits)
    assert open_failures()

    ends()

    state, lead = SarahState.objects.get(), Contact.objects.get(phone=PHONE)
    assert is_healed(state, lead)
    # A lead that is created only now was active when it wrote.
    assert lead.source != "sarah" or lead.last_activity_at == state.updated_at


def test_a_phone_without_a_workspace_heals_when_it_becomes_a_lead_somewhere(bot: Bot) -> None:
    WorkspaceFactory(slug="kopi-kita")
    bot.post(lead_score=80)
    assert SarahState.objects.get().workspace is None

    lead = ContactFactory(phone=PHONE)

    assert is_healed(SarahState.objects.get(), lead)


def test_leads_that_were_written_in_bulk_heal_when_their_writer_says_so(bot: Bot) -> None:
    for number, phone in enumerate((PHONE, OTHER), 1):
        bot.post(phone, lead_score=number)
    home = Workspace.objects.get()
    leads = Contact.objects.bulk_create(
        [Contact(workspace=home, phone=phone) for phone in (PHONE, OTHER)]
    )
    assert len(open_failures()) == 2

    assert heal_waiting(leads) == 2

    for state in SarahState.objects.all():
        assert is_healed(state, Contact.objects.get(phone=state.contact_phone))


def test_of_many_that_waited_a_few_are_synced_while_a_person_waits_and_the_rest_by_the_worker(
    bot: Bot, monkeypatch
) -> None:
    monkeypatch.setattr("sarah.retry.AT_ONCE", 1)
    phones = [f"+62812345678{number}" for number in range(90, 94)]
    for phone in phones:
        ContactFactory(phone=phone, workspace=WorkspaceFactory(slug="other"))
        bot.post(phone, workspace_id="soon", lead_score=80)

    with syncs() as at_once:
        WorkspaceFactory(slug="soon", creates_contacts=True)

    assert at_once == {phones[0]: 1}
    assert work_batch() == {"synced": 3}
    assert SarahState.objects.synced().count() == 4
    assert Contact.objects.filter(workspace__slug="soon", lead_score=80).count() == 4


def test_saving_a_workspace_lets_the_worker_create_no_more_than_there_is_room_for(
    bot: Bot, monkeypatch
) -> None:
    monkeypatch.setattr("sarah.retry.AT_ONCE", 1)
    for number in range(4):
        bot.post(f"+62812345678{90 + number}")

    change_workspace(creates_contacts=True, max_created_per_hour=3)

    assert work_batch() == {"synced": 2}
    assert Contact.objects.count() == 3
    assert {failure.occurrences for failure in SyncFailure.objects.open()} == {1}


def test_saving_what_does_not_matter_to_a_sync_retries_nothing(bot: Bot) -> None:
    other, opted_out = WorkspaceFactory(slug="other"), ContactFactory(opted_out=True)
    for phone, ref in ((PHONE, ""), (OTHER, "soon"), (opted_out.phone, "")):
        bot.post(phone, workspace_id=ref)

    with syncs() as retried:
        opted_out.save(update_fields=["name"])
        other.save()
        ContactFactory()
        WorkspaceFactory(slug="else")
        ContactFactory(phone=OTHER)

    assert not retried


def test_a_lead_is_added_even_if_its_conversation_cannot_be_healed(bot: Bot, caplog) -> None:
    bot.post(PHONE)

    with refusing(CONVERSATIONS):
        ContactFactory(phone=PHONE)

    assert Contact.objects.get().phone == PHONE
    assert "on_commit" in caplog.text
    assert open_failures() == ["contact_not_found"]


@pytest.mark.parametrize("ref", ["soon", "106540352242922"])
def test_adding_the_workspace_adopts_what_waits_for_it(bot: Bot, ref: str) -> None:
    bot.post(workspace_id=ref, lead_score=80, extracted_data={"name": "Budi"})
    state = SarahState.objects.get()

    soon = WorkspaceFactory(slug="soon", kapso_phone_number_id="106540352242922")
    state.refresh_from_db()
    assert (state.workspace, state.workspace_ref) == (soon, "")
    assert state.sync_reason == "contact_not_found"
    assert open_failures() == ["contact_not_found"]
    lead = ContactFactory(phone=PHONE, workspace=soon)

    assert is_healed(state, lead)
    assert bot.get(workspace_id=ref).json()["workspace_id"] == "soon"


def test_a_phone_without_a_workspace_is_adopted_by_the_only_one_that_is_left(bot: Bot) -> None:
    closing = WorkspaceFactory(slug="closing")
    bot.post(lead_score=80)
    closing.delete()

    home = Workspace.objects.get()
    home.save()

    assert SarahState.objects.get().workspace == home


def test_an_ambiguous_phone_heals_with_the_next_message_once_one_lead_is_left(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    twin = ContactFactory(phone=PHONE, workspace=WorkspaceFactory(slug="kopi-kita"))
    assert bot.post(lead_score=80).json()["syncReason"] == "ambiguous_contact"

    twin.delete()
    assert bot.post().json() == {"success": True, "sync": True}

    assert is_healed(SarahState.objects.get(), lead)


def test_what_the_bot_sent_wrongly_stays_open_for_a_person(bot: Bot) -> None:
    bot.post(lead_score=250)
    bot.send("{")
    assert open_failures() == ["contact_not_found", "invalid_payload", "rejected_payload"]

    ContactFactory(phone=PHONE)

    assert open_failures() == ["invalid_payload", "rejected_payload"]


def test_a_cause_that_comes_back_opens_a_new_failure(bot: Bot) -> None:
    bot.post(lead_score=80)
    lead = ContactFactory(phone=PHONE)
    lead.delete()

    assert bot.post(message_count=1).json()["syncReason"] == "contact_not_found"

    first, second = SyncFailure.objects.order_by("pk")
    assert (first.resolution, second.resolution, second.occurrences) == ("healed", "", 1)
    state = SarahState.objects.get()
    assert (state.contact, state.synced_at) == (None, None)


def test_a_failure_that_was_resolved_by_hand_keeps_that_word_when_the_sync_works(bot: Bot) -> None:
    bot.post(lead_score=80)
    resolve_failures(SyncFailure.objects.all(), by="ani", note="nobody we want")
    assert SarahState.objects.get().synced_at is None

    ContactFactory(phone=PHONE)

    failure = SyncFailure.objects.get()
    assert (failure.resolution, failure.resolved_by) == ("manual", "ani")
    assert SarahState.objects.get().synced_at is not None


def test_a_lead_from_a_fixture_or_a_rolled_back_form_heals_nothing(bot: Bot) -> None:
    bot.post(lead_score=80)
    fixture = serializers.serialize("python", [ContactFactory()])
    Contact.objects.all().delete()
    fixture[0]["fields"]["phone"] = PHONE
    for loaded in serializers.deserialize("python", fixture):
        loaded.save()
    assert SarahState.objects.get().synced_at is None
    Contact.objects.all().delete()

    with transaction.atomic():
        ContactFactory(phone=PHONE)
        transaction.set_rollback(True)

    assert SarahState.objects.get().synced_at is None


def test_a_lead_that_is_deleted_and_added_again_gets_everything_back():
    lead = ContactFactory()
    SarahStateFactory(contact_phone=lead.phone, extracted_data={"goals": "grow"})
    lead.delete()
    assert SarahState.objects.excluded().exists()
    assert not SarahState.objects.synced().exists()

    again = ContactFactory(phone=lead.phone)

    again.refresh_from_db()
    assert again.goals == "grow"
    assert not SarahState.objects.out_of_sync().exists()
