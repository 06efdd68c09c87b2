"""`/sarah/state` of people who hide their number: found, kept and linked by WhatsApp's user id."""

from typing import Any

import pytest
from django.core.management import call_command

from contacts.models import AddressChange, Contact, Workspace
from monitoring.models import SyncFailure
from sarah.models import SarahState, StateUpdate
from sarah.reconcile import Drift, reconcile
from tests.bot import BLANK, PHONE, SYNCED, Bot, not_synced
from tests.factories import ContactFactory, WorkspaceFactory
from tests.staff import Staff
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

USER_ID = "ID.26694801573320718846"
ID = {"business_scoped_user_id": USER_ID}


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    return Bot(workspace=WorkspaceFactory())


def get(bot: Bot, **query: str) -> Any:
    return bot.client.get("/sarah/state", query)


@pytest.mark.parametrize(
    "sent",
    [
        {"contact_phone": None, **ID},
        {"contact_phone": "", **ID},
        {"contact_phone": "undefined", **ID},
        {"contact_phone": USER_ID},
        {"contact_phone": USER_ID, "business_scoped_user_id": "null"},
    ],
)
def test_a_message_of_a_person_without_a_number_is_kept_and_synced(
    bot: Bot, sent: dict[str, Any]
) -> None:
    lead = ContactFactory(phone=None, **ID)

    answer = bot.client.post(
        "/sarah/state", sent | {"extracted_data": {"goals": "sell more"}}, "application/json"
    )

    assert answer.json() == SYNCED
    lead.refresh_from_db()
    assert lead.goals == "sell more"
    memory = get(bot, **ID).json()
    assert (memory["business_scoped_user_id"], memory["contact_phone"]) == (USER_ID, None)
    assert memory["extracted_data"] == {"goals": "sell more"}


def test_each_unknown_person_without_a_number_has_a_failure_that_heals(bot: Bot) -> None:
    for user_id in (USER_ID, "ID.2", USER_ID):
        answer = bot.post(None, business_scoped_user_id=user_id)
        assert answer.json() == not_synced("contact_not_found")
    assert sorted(SyncFailure.objects.values_list("occurrences", flat=True)) == [1, 2]

    ContactFactory(phone=None, **ID)

    assert SyncFailure.objects.open().count() == 1
    assert SarahState.objects.get(**ID).synced_at
    assert get(bot, business_scoped_user_id="ID.2").json()["message_count"] == 0


def test_staff_see_and_retry_who_has_no_number(bot: Bot, capsys: Any) -> None:
    bot.post(None, **ID)
    operator, failure = Staff("Operators"), SyncFailure.objects.get()

    assert f"…{USER_ID[-6:]}" in operator.sees("monitoring_syncfailure_changelist")
    assert USER_ID in operator.sees("monitoring_syncfailure_change", failure.pk)
    assert USER_ID in operator.sees("sarah_sarahstate_changelist", q=USER_ID)
    unseen = ContactFactory.build(phone=None, workspace=WorkspaceFactory(), **ID)
    Contact.objects.bulk_create([unseen])
    call_command("resync", "--phone", USER_ID)

    assert "1 synced" in capsys.readouterr().out


def test_leads_are_created_for_people_without_a_number_as_well(bot: Bot) -> None:
    Workspace.objects.update(creates_contacts=True)

    assert bot.post(None, **ID).json() == SYNCED

    assert Contact.objects.get().business_scoped_user_id == USER_ID


def test_an_unknown_person_has_a_blank_memory(bot: Bot) -> None:
    assert get(bot, **ID).json() == BLANK
    assert get(bot, contact_phone="null", business_scoped_user_id="undefined").status_code == 400


def test_phone_and_id_at_once_join_what_was_known_apart(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(PHONE, state="handoff", message_count=4, extracted_data={"goals": "sell more"})
    bot.post(None, **ID, extracted_data={"location": "Bandung"}, message_count=5)

    assert bot.post(PHONE, **ID, message_count=6).json() == SYNCED

    state = SarahState.objects.get()
    assert (state.contact_phone, state.business_scoped_user_id) == (PHONE, USER_ID)
    assert state.extracted_data == {"goals": "sell more", "location": "Bandung"}
    assert StateUpdate.objects.filter(state=state).count() == 3
    assert not SyncFailure.objects.open().exists()
    lead.refresh_from_db()
    assert (lead.business_scoped_user_id, lead.location) == (USER_ID, "Bandung")
    for known in (ID, {"contact_phone": PHONE}, ID | {"contact_phone": PHONE}):
        assert get(bot, **known).json()["message_count"] == 6


def test_two_people_who_are_known_in_full_are_not_made_one(bot: Bot) -> None:
    bot.post(PHONE, business_scoped_user_id="ID.1", message_count=1)
    bot.post("+6281200000001", business_scoped_user_id="ID.2", message_count=2)

    bot.post(PHONE, business_scoped_user_id="ID.2", message_count=3)

    kept = SarahState.objects.order_by("pk").values_list(
        "contact_phone", "business_scoped_user_id", "message_count"
    )
    assert list(kept) == [(PHONE, "ID.1", 1), ("+6281200000001", "ID.2", 3)]


@pytest.mark.usefixtures("endless_waits")
def test_24_first_messages_half_by_phone_and_half_by_both_make_one_conversation(bot: Bot) -> None:
    ContactFactory(phone=PHONE)

    answers = at_once([lambda known=known: bot.post(PHONE, **known) for known in [{}, ID] * 12])

    assert {answer.status_code for answer in answers} == {200}
    assert SarahState.objects.get().revision == 24
    assert Contact.objects.get().business_scoped_user_id == USER_ID


SALVAGED = [
    ({"contact_phone": "Budi", **ID}, "contact_phone"),
    ({"contact_phone": PHONE, "business_scoped_user_id": "ID-1"}, "business_scoped_user_id"),
    ({"contact_phone": PHONE, "business_scoped_user_id": 7}, "business_scoped_user_id"),
]


@pytest.mark.parametrize(("sent", "name"), SALVAGED)
def test_of_two_the_unusable_one_is_left_out_with_a_warning(
    bot: Bot, sent: dict[str, Any], name: str
) -> None:
    answer = bot.client.post("/sarah/state", sent, "application/json")

    assert answer.status_code == 200
    assert set(answer.json()["warnings"]) == {name}
    assert get(bot, **{key: str(value) for key, value in sent.items()}).status_code == 200


def test_an_unusable_id_alone_is_400_and_says_what_is_wrong_with_it(bot: Bot) -> None:
    told = bot.post(None, business_scoped_user_id="ID-1")
    asked = get(bot, business_scoped_user_id="ID-1")

    for answer in (told, asked):
        assert answer.status_code == 400
        assert "business_scoped_user_id" in answer.json()["error"]


def test_an_answer_about_a_phone_never_carries_the_id(bot: Bot) -> None:
    bot.post(PHONE, **ID)

    assert "business_scoped_user_id" not in get(bot, contact_phone=PHONE).json()


def test_a_former_number_still_finds_the_lead(bot: Bot) -> None:
    lead = ContactFactory(phone="+6281200000001")
    AddressChange.objects.create(workspace=lead.workspace, former=PHONE, phone=lead.phone)

    assert bot.post(PHONE, lead_score=70).json() == SYNCED

    lead.refresh_from_db()
    assert lead.lead_score == 70
    drift = Drift()
    list(reconcile(drift))
    assert (drift.healed, drift.failed, SarahState.objects.get().contact) == (0, 0, lead)


def test_the_conversation_of_a_deleted_lead_without_a_number_is_excluded(bot: Bot) -> None:
    lead = ContactFactory(phone=None, **ID)
    bot.post(None, **ID)

    lead.delete()

    assert SarahState.objects.get().sync_reason == "excluded"
