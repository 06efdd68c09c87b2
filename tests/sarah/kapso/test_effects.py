"""What an event does: who becomes a lead, what of it moves, and what changes nothing."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from contacts.models import ChatMessage, Contact
from monitoring.erasing import erase
from monitoring.models import SyncFailure
from sarah.kapso.reading import BACKFILL
from sarah.models import KapsoDelivery, SarahState
from tests.bot import Bot
from tests.factories import ANY_MOVE, ContactFactory, WorkspaceFactory
from tests.kapso import Kapso, example, work_all
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

DIGITS, PHONE, USER_ID = "6281234567890", "+6281234567890", "ID.26694801573320718846"
SENT = datetime.fromtimestamp(1795400045, UTC)
AD = {"source_type": "ad", "source_id": "120", "headline": "Otomatis chat", "source_url": "x"}


@pytest.fixture
def kapso() -> Kapso:
    return Kapso()


def the_lead() -> Contact:
    return Contact.objects.get()


def test_whoever_writes_is_a_lead_from_the_first_message_on(kapso: Kapso) -> None:
    kapso.hears("Halo", from_user_id=USER_ID, username="@budi.kopi")

    lead = the_lead()
    assert (lead.phone, lead.business_scoped_user_id) == (PHONE, USER_ID)
    assert (lead.whatsapp_username, lead.source, lead.lead_status) == (
        *("budi.kopi", "whatsapp", "new"),
    )
    assert lead.last_activity_at == SENT


NO_ENQUIRIES: dict[str, dict[str, Any]] = {
    "a reaction": {"type": "reaction", "reaction": {"message_id": "x", "emoji": "👍"}},
    "one that WhatsApp cannot show": {"type": "unsupported", "errors": [{"code": 131051}]},
    "of a type without a name": {"type": None},
    "news of WhatsApp": {"type": "system", "system": {"type": "customer_joined"}},
    "of a group": {"group_id": "120363@g.us"},
    "of the history": {"kapso": {"direction": "inbound", "origin": "history_sync"}},
    "of ours": {"kapso": {"direction": "outbound", "origin": "cloud_api"}, "to": DIGITS},
}


@pytest.mark.parametrize("fields", NO_ENQUIRIES.values(), ids=NO_ENQUIRIES)
def test_what_is_no_enquiry_makes_no_lead_and_moves_none(
    kapso: Kapso, fields: dict[str, Any]
) -> None:
    kapso.hears(**fields)
    assert not Contact.objects.exists()

    lead = ContactFactory(phone=PHONE, last_activity_at=SENT - timedelta(days=1))
    kapso.hears(**fields)

    before = lead.last_activity_at
    lead.refresh_from_db()
    assert (lead.last_activity_at, lead.last_contact_at) == (before, None)
    assert not SyncFailure.objects.exists()


def test_a_type_that_we_do_not_know_is_kept_and_named_and_makes_a_lead(kapso: Kapso) -> None:
    for _again in range(2):
        kapso.hears(type="hologram")

    failure = SyncFailure.objects.get()
    assert (failure.source, failure.occurrences) == ("kapso", 2)
    assert "message type hologram" in failure.error
    assert the_lead().phone == PHONE
    assert set(ChatMessage.objects.values_list("type", flat=True)) == {"hologram"}


def test_with_the_switch_off_the_chat_is_kept_and_nobody_becomes_a_lead() -> None:
    kapso = Kapso(creates_leads=False)

    kapso.hears()

    assert not Contact.objects.exists()
    assert ChatMessage.objects.count() == 1


def test_a_test_number_becomes_no_lead() -> None:
    kapso = Kapso(WorkspaceFactory(slug="kopi", test_numbers=[PHONE]))

    kapso.hears()

    assert not Contact.objects.exists()


def test_over_the_limit_of_the_hour_leads_are_added_in_a_later_one() -> None:
    kapso = Kapso(WorkspaceFactory(slug="kopi", max_created_per_hour=1))
    kapso.hears(phone="6281200000001")
    kapso.hears(phone="6281200000002", referral=AD)
    assert ChatMessage.objects.count() == 2
    assert Contact.objects.count() == 1

    in_an_hour = timezone.now() + timedelta(hours=1)
    KapsoDelivery.objects.waiting().update(next_attempt_at=timezone.now() - timedelta(seconds=1))
    with time_machine.travel(in_an_hour):
        work_all()

    assert Contact.objects.get(phone="+6281200000002").source == "ad: Otomatis chat"
    assert not KapsoDelivery.objects.waiting().exists()
    assert not SyncFailure.objects.exists()


def test_a_lead_that_a_person_deleted_comes_back_with_a_new_message_only(kapso: Kapso) -> None:
    kapso.send(example("text"))
    Contact.objects.all().delete()

    kapso.send(example("duplicate"))
    KapsoDelivery.objects.all().replay()
    work_all()
    assert not Contact.objects.exists()

    kapso.send(example("image_with_caption"))
    assert the_lead().phone == "+6281200001417"


def test_who_was_erased_is_not_brought_back_by_a_replay_or_a_backfill(
    kapso: Kapso, settings: Any, tmp_path: Path
) -> None:
    settings.VAR_DIR = tmp_path
    kapso.hears()
    body = KapsoDelivery.objects.get().body.encode()
    erase(PHONE)
    assert not KapsoDelivery.objects.exists()

    kapso.tell(BACKFILL, None, raw=body)

    assert not Contact.objects.exists()
    assert not ChatMessage.objects.exists()
    kapso.hears(timestamp=str(int(timezone.now().timestamp()) + 2))
    assert the_lead().phone == PHONE


def test_the_ad_that_somebody_came_from_is_the_source_unless_a_person_named_one(
    kapso: Kapso,
) -> None:
    ContactFactory(phone="+6281200000001", source="sarah")
    ContactFactory(phone="+6281200000002", source="Pameran")

    for number in (1, 2, 3):
        kapso.hears(phone=f"628120000000{number}", referral=AD)

    sources = Contact.objects.order_by("phone").values_list("source", flat=True)
    assert list(sources) == ["ad: Otomatis chat", "Pameran", "ad: Otomatis chat"]


def test_an_archived_lead_that_writes_again_is_re_engaged(kapso: Kapso) -> None:
    lead = ContactFactory(phone=PHONE)
    with time_machine.travel(SENT - timedelta(days=1)):
        lead.change_status("archived", by="ani", why=ANY_MOVE)

    kapso.hears()

    lead.refresh_from_db()
    assert (lead.lead_status, lead.re_engaged_at) == ("archived", SENT)


def test_a_lead_that_opted_out_is_left_alone_and_its_chat_is_kept(kapso: Kapso) -> None:
    lead = ContactFactory(phone=PHONE, opted_out=True, last_activity_at=SENT - timedelta(days=1))
    before = Contact.objects.values().get()

    kapso.hears(referral=AD)

    assert Contact.objects.values().get() == before
    assert ChatMessage.objects.of(lead.address, workspace_id=lead.workspace_id).count() == 1


def test_a_conversation_that_waits_for_its_lead_heals(kapso: Kapso) -> None:
    Bot().post(PHONE, extracted_data={"goals": "sell more"})

    kapso.hears()

    assert the_lead().goals == "sell more"
    assert SarahState.objects.get().synced_at


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (1, 2, 1)])
def test_of_what_a_person_wants_of_marketing_the_last_word_counts(
    kapso: Kapso, order: tuple[int, ...]
) -> None:
    ContactFactory(phone=PHONE)
    said = {1: ("stopped", 7, "2026-11-20T01:00:00Z"), 2: ("resumed", 8, "2026-11-19T01:00:00Z")}

    for number in order:
        status, sequence, at = said[number]
        preference = {"status": status, "sequence": sequence, "occurred_at": at}
        kapso.tell(
            "whatsapp.contact.marketing_preference_changed",
            {"contact": {"wa_id": DIGITS}, "marketing_preference": preference},
        )

    assert the_lead().marketing_stopped_at is None
    assert the_lead().marketing_sequence == 8


def test_metas_stop_of_marketing_is_kept_on_the_lead(kapso: Kapso) -> None:
    ContactFactory(phone=None, business_scoped_user_id=USER_ID)
    stop = {"user_id": USER_ID, "category": "marketing", "value": "stop", "timestamp": "1795400045"}
    change = {"field": "user_preferences", "value": {"user_preferences": [stop]}}

    kapso.tell("", {"entry": [{"changes": [change]}]})

    assert the_lead().marketing_stopped_at == SENT


def test_metas_history_is_chat_of_both_and_makes_no_lead(kapso: Kapso) -> None:
    messages = [
        {"from": DIGITS, "id": "wamid.1", "timestamp": "1700000000", "type": "text"},
        {"from": "628119000417", "id": "wamid.2", "timestamp": "1700000001", "type": "text"},
    ]
    value = {
        "metadata": {"display_phone_number": "628119000417"},
        "history": [{"threads": [{"id": DIGITS, "messages": messages}]}],
    }

    kapso.tell("", {"entry": [{"changes": [{"field": "history", "value": value}]}]})

    kept = ChatMessage.objects.values_list("author", "contact_phone", "is_history")
    assert list(kept) == [("lead", PHONE, True), ("staff", PHONE, True)]
    assert not Contact.objects.exists()


def test_metas_echo_of_the_business_app_is_staff_reaching_out(kapso: Kapso) -> None:
    ContactFactory(phone=PHONE)
    echo = {"from": "62811", "to": DIGITS, "id": "wamid.1", "timestamp": "1795400045"}
    value = {"message_echoes": [echo | {"type": "text", "text": {"body": "Halo"}}]}

    kapso.tell("", {"entry": [{"changes": [{"field": "smb_message_echoes", "value": value}]}]})

    assert the_lead().last_contact_at == SENT


def test_what_was_known_by_id_gets_its_number_and_the_other_way_round(kapso: Kapso) -> None:
    by_id = ContactFactory(phone=None, business_scoped_user_id=USER_ID)
    by_phone = ContactFactory(phone="+6281200000001")

    kapso.hears(from_user_id=USER_ID)
    kapso.hears(phone="6281200000001", from_user_id="ID.1")

    by_id.refresh_from_db()
    by_phone.refresh_from_db()
    assert (by_id.phone, by_phone.business_scoped_user_id) == (PHONE, "ID.1")
    assert Contact.objects.count() == 2


@pytest.mark.parametrize("kind", ["kapso", "meta"])
@pytest.mark.parametrize(("origin", "phone"), [("contact_request", PHONE), ("other", None)])
def test_a_number_is_believed_only_if_it_was_asked_for(
    kapso: Kapso, origin: str, phone: str | None, kind: str
) -> None:
    card = {"origin": origin, "phones": [{"phone": "+62 812-3456-7890", "wa_id": DIGITS}]}
    message = {
        "id": "wamid.1",
        "timestamp": "1795400045",
        "type": "contacts",
        "contacts": [card],
        "from_user_id": USER_ID,
    }

    if kind == "kapso":
        kapso.tell("whatsapp.message.received", {"message": message})
    else:
        change = {"field": "messages", "value": {"messages": [message]}}
        kapso.tell("", {"entry": [{"changes": [change]}]})

    assert (the_lead().business_scoped_user_id, the_lead().phone) == (USER_ID, phone)


def test_24_first_messages_at_once_half_by_phone_and_half_by_both_make_one_lead(
    kapso: Kapso,
) -> None:
    ids = [{}, {"from_user_id": USER_ID}] * 12

    at_once([lambda known=known: kapso.hears(**known) for known in ids])
    work_all()

    assert (the_lead().phone, the_lead().business_scoped_user_id) == (PHONE, USER_ID)
    assert ChatMessage.objects.count() == 24


def test_a_new_id_moves_the_lead_along_and_the_old_one_still_finds_it(kapso: Kapso) -> None:
    lead = ContactFactory(phone=PHONE, business_scoped_user_id="ID.1")

    kapso.tell(
        "whatsapp.contact.identity_changed",
        {
            "contact": {"business_scoped_user_id": "ID.2", "username": "budi"},
            "previous": {"business_scoped_user_id": "ID.1"},
        },
    )
    kapso.hears(phone="", from_user_id="ID.1")

    lead.refresh_from_db()
    assert (lead.phone, lead.business_scoped_user_id) == (PHONE, "ID.2")
    assert (lead.whatsapp_username, lead.notes.count()) == ("budi", 1)
    assert Contact.objects.count() == 1


def test_the_bots_memory_moves_along_and_is_merged_with_what_it_learned_since(
    kapso: Kapso,
) -> None:
    bot = Bot()
    bot.post(PHONE, message_count=4, extracted_data={"goals": "sell more"})
    bot.post("+6281200000001", message_count=5, extracted_data={"location": "Bandung"})

    kapso.hears(type="system", system={"type": "user_changed_number", "wa_id": "6281200000001"})

    assert bot.get(PHONE).json()["message_count"] == 0
    told = bot.get("+6281200000001").json()
    assert told["extracted_data"] == {"goals": "sell more", "location": "Bandung"}


def test_who_comes_back_to_a_former_number_is_found_there(kapso: Kapso) -> None:
    ContactFactory(phone=PHONE)
    numbers = [DIGITS, "6281200000001", DIGITS]
    for hour, (before, now) in enumerate(pairwise(numbers)):
        system = {"type": "user_changed_number", "wa_id": now}
        at = str(1795400045 + hour * 3600)
        kapso.hears(phone=before, type="system", system=system, timestamp=at)

    kapso.hears()

    assert the_lead().phone == PHONE


def test_a_number_that_somebody_else_has_by_now_makes_somebody_new(kapso: Kapso) -> None:
    ContactFactory(phone=PHONE, business_scoped_user_id="ID.1")
    system = {"type": "user_changed_number", "wa_id": "6281200000001", "user_id": "ID.2"}
    kapso.hears(type="system", system=system | {"previous_user_id": "ID.1"})

    kapso.hears(from_user_id="ID.3")

    assert {(lead.phone, lead.business_scoped_user_id) for lead in Contact.objects.all()} == {
        ("+6281200000001", "ID.2"),
        (PHONE, "ID.3"),
    }


def test_a_late_older_message_changes_no_newer_name(kapso: Kapso) -> None:
    for name, at in (("Budi", 30), ("Budi Santoso", 50), ("Bud", 40)):
        told = {"direction": "inbound", "origin": "cloud_api", "contact_name": name}
        kapso.hears(kapso=told, timestamp=str(1795400000 + at))

    assert the_lead().whatsapp_name == "Budi Santoso"
