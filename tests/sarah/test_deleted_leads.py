"""A deleted lead stays deleted until its number writes again, or a person adds it again."""

from collections.abc import Callable

import pytest
from django.core.management import call_command

from contacts.models import Contact, Workspace
from monitoring.models import SyncFailure
from sarah.admin.details import explain_sync
from sarah.models import SarahState
from sarah.retry import retry_all
from tests.bot import PHONE, SYNCED, Bot, not_synced
from tests.factories import ContactFactory
from tests.faults import LEADS, refusing
from tests.staff import Staff
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "+6281234567891"
TOLD = {"lead_score": 80, "extracted_data": {"goals": "grow"}}


def delete_on_its_page(lead: Contact) -> None:
    answer = Staff(is_superuser=True).client.post(
        f"/admin/contacts/contact/{lead.pk}/delete/", {"post": "yes"}
    )
    assert answer.status_code == 302


def delete_from_the_list(lead: Contact) -> None:
    Staff(is_superuser=True).runs("delete_selected", [lead, ContactFactory()], confirmed="1")


WAYS = [delete_on_its_page, delete_from_the_list, lambda lead: Contact.objects.all().delete()]


def save_the_workspace(**changes: object) -> None:
    workspace = Workspace.objects.get()
    for name, value in changes.items():
        setattr(workspace, name, value)
    workspace.save()


@pytest.fixture(params=[True, False], ids=["creation on", "creation off"])
def creates(request: pytest.FixtureRequest, bot: Bot) -> bool:
    save_the_workspace(creates_contacts=request.param)
    return request.param


@pytest.mark.parametrize("delete", WAYS, ids=["its page", "the list", "a queryset"])
def test_a_deleted_lead_does_not_come_back_and_is_no_failure(
    bot: Bot, creates: bool, delete: Callable[[Contact], None]
) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(**TOLD)

    delete(lead)
    call_command("reconcile")
    call_command("resync", "--all")
    retry_all(SarahState.objects.all(), by="ani")
    save_the_workspace()

    assert not Contact.objects.exists()
    assert not SyncFailure.objects.exists()
    state = SarahState.objects.excluded().get()
    assert (state.contact, state.lead_score) == (None, 80)
    assert "deleted" in explain_sync(state)


def test_a_number_that_writes_again_is_an_unknown_number_like_any_other(
    bot: Bot, creates: bool
) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(**TOLD)
    lead.delete()

    answer = bot.post(message_count=1).json()

    assert answer == (SYNCED if creates else not_synced("contact_not_found"))
    assert SyncFailure.objects.open().count() == (not creates)
    assert list(Contact.objects.values_list("goals", flat=True)) == ["grow"] * creates


def test_a_lead_that_is_added_again_is_one_again_for_good(bot: Bot) -> None:
    ContactFactory(phone=PHONE)
    bot.post(**TOLD)
    Contact.objects.all().delete()

    lead = ContactFactory(phone=PHONE)
    lead.refresh_from_db()
    assert lead.lead_score == 80
    lead.phone = OTHER
    lead.save()
    retry_all(SarahState.objects.all(), by="ani")

    assert SarahState.objects.get().sync_reason == "contact_not_found"


def test_what_failed_at_its_deletion_is_neither_retried_nor_open(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    with refusing(LEADS):
        bot.post(**TOLD)
    state = SarahState.objects.get()
    assert (state.contact, state.sync_reason) == (None, "sync_error")

    lead.delete()

    assert SarahState.objects.excluded().get().next_sync_at is None
    call_command("reconcile")
    assert SyncFailure.objects.get().resolution == "healed"


def test_a_first_message_and_a_deletion_at_the_same_moment_break_neither(bot: Bot) -> None:
    staff = Staff(is_superuser=True).client
    for number in range(10, 16):
        lead = ContactFactory(phone=f"+62812345678{number}")
        page = f"/admin/contacts/contact/{lead.pk}/delete/"

        answers = at_once(
            [
                lambda phone=lead.phone: bot.post(phone, **TOLD),
                lambda page=page: staff.post(page, {"post": "yes"}),
            ]
        )

        assert [answer.status_code for answer in answers] == [200, 302]
    assert not Contact.objects.exists()
    assert SarahState.objects.filter(contact=None, synced_at=None).count() == 6


def test_the_conversations_of_other_leads_stay_in_sync(bot: Bot) -> None:
    other = ContactFactory(phone=OTHER)
    for phone in (ContactFactory(phone=PHONE).phone, OTHER):
        bot.post(phone, **TOLD)

    Staff(is_superuser=True).client.get(f"/admin/contacts/contact/{other.pk}/delete/")  # only asks
    Contact.objects.filter(phone=PHONE).delete()

    assert SarahState.objects.synced().get().contact == other
