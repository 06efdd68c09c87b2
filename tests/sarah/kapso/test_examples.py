"""The 25 recorded deliveries do what they should, in whatever order and however often they come."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from contacts.models import AddressChange, ChatMark, ChatMessage, Contact, Note
from monitoring.models import SyncFailure
from sarah.models import KapsoDelivery
from tests.kapso import Delivery, Kapso, recorded, work_all
from tests.threads import at_once

pytestmark = pytest.mark.django_db(transaction=True)

Rows = list[tuple[Any, ...]]
Sending = Callable[[Kapso, list[Delivery]], None]


def november(day: int, hour: int, minute: int, second: int) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


LEADS = {
    "+6281200001417": ("ID.70418263559172048316", "Rina Prameswari", "", "whatsapp"),
    "+6281200002251": ("ID.15530984472610937285", "Bagus Wicaksono", "", "whatsapp"),
    "+6281200002904": ("ID.48210077315964208853", "Ayu Larasati", "", "whatsapp"),
    "+6281200003360": ("ID.33907516482200964178", "Siti Mardiah", "", "whatsapp"),
    "+6281200004482": ("ID.26694801573320718846", "Dewi K.", "", "whatsapp"),
    "+6281200009041": ("ID.13359027748260915507", "Putri Handayani", "", "whatsapp"),
    "ID.57391420860037794215": (None, "Galih", "galih.print", "whatsapp"),
    "ID.61180273940586627134": (None, "Yohanes Manalu", "yohanes.roastery", "whatsapp"),
}
"""The leads by phone, or id if they have none: id, WhatsApp name, user name, source. Tom is none:
his only message is one that WhatsApp could not show."""

CHAT = {
    ("lead", "text"): 8,
    ("lead", "image"): 1,
    ("lead", "audio"): 1,
    ("lead", "interactive"): 2,
    ("lead", "reaction"): 1,
    ("lead", "location"): 1,
    ("lead", "contacts"): 1,
    ("lead", "unsupported"): 1,
    ("staff", "text"): 1,
    ("bot", "template"): 1,
    ("bot", "text"): 1,
}


def rows() -> dict[str, Rows]:
    """All that the feed has made, but for what the database numbers."""
    return {
        "leads": sorted(
            Contact.objects.values_list(
                *("phone", "business_scoped_user_id", "whatsapp_name", "whatsapp_username"),
                *("source", "last_activity_at", "last_contact_at"),
                *("re_engaged_at", "marketing_stopped_at"),
            ),
            key=str,
        ),
        "chat": sorted(
            ChatMessage.objects.values_list(
                *("wamid", "contact_phone", "business_scoped_user_id", "author", "type"),
                *("text", "transcript", "sent_at"),
            )
        ),
        "marks": sorted(ChatMark.objects.values_list("wamid", "status", "at", "reason")),
        "moves": sorted(AddressChange.objects.values_list("former", "phone", "user_id", "at")),
        "notes": sorted(Note.objects.values_list("contact__phone", "text", "created_at")),
    }


def send_all(kapso: Kapso, deliveries: list[Delivery]) -> None:
    for delivery in deliveries:
        assert kapso.send(delivery).status_code == 200
    work_all()


def test_in_order_they_make_these_leads_with_their_chats() -> None:
    send_all(Kapso(), recorded())

    assert {
        lead.phone or lead.business_scoped_user_id: (
            lead.phone and lead.business_scoped_user_id,
            lead.whatsapp_name,
            lead.whatsapp_username,
            lead.source,
        )
        for lead in Contact.objects.all()
    } == LEADS
    written = ChatMessage.objects.values_list("author", "type")
    assert {pair: list(written).count(pair) for pair in set(written)} == CHAT
    assert not SyncFailure.objects.exists()
    assert not KapsoDelivery.objects.waiting().exists()


def test_what_the_messages_say_is_kept_and_never_where_media_open() -> None:
    send_all(Kapso(), recorded())

    said = {message.type: message for message in ChatMessage.objects.exclude(type="text")}
    assert said["image"].text == "Ini menu box kami, 45rb per porsi"
    assert said["audio"].transcript.startswith("Pagi, saya punya tiga cabang barbershop")
    assert said["interactive"].text
    assert said["location"].text == "Toko Larasati Batik, Jl. Melati Senja 18, Bandung"
    assert said["contacts"].text == "Pak Hendra Gudang"
    assert said["reaction"].text == "👍"
    assert said["template"].text == "Halo Siti, katalog bulan ini sudah siap. Mau kami kirimkan?"
    assert "://" not in str(rows()["chat"])


def test_staff_who_write_from_the_business_phone_have_reached_out() -> None:
    send_all(Kapso(), recorded())

    reached = Contact.objects.exclude(last_contact_at=None).values_list("phone", "last_contact_at")
    assert list(reached) == [("+6281200001417", november(23, 3, 45, 9))]


def test_what_became_of_our_messages_is_known_with_the_reason_of_a_failure() -> None:
    send_all(Kapso(), recorded())

    failed = ChatMark.objects.get(status="failed")
    assert failed.reason == (
        "131047 More than 24 hours have passed since the recipient last replied."
    )
    assert ChatMessage.objects.get(wamid=failed.wamid).contact_phone == "+12025550176"


def test_a_changed_number_moves_the_lead_along_with_a_line_in_its_history() -> None:
    send_all(Kapso(), recorded())

    lead = Contact.objects.get(phone="+6281200009041")
    assert lead.notes.get().author == "LeadSync"
    assert [change.former for change in AddressChange.objects.order_by("former")] == [
        "+6281200005519",
        "ID.80026417539945170362",
    ]


def in_reverse(kapso: Kapso, deliveries: list[Delivery]) -> None:
    send_all(kapso, deliveries[::-1])


def twice(kapso: Kapso, deliveries: list[Delivery]) -> None:
    again = [
        delivery._replace(headers=delivery.headers | {"X-Idempotency-Key": f"again-{number}"})
        for number, delivery in enumerate(deliveries)
    ]
    send_all(kapso, deliveries + deliveries + again)


def by_eight_at_once(kapso: Kapso, deliveries: list[Delivery]) -> None:
    shares = [deliveries[start::8] for start in range(8)]
    at_once([lambda share=share: [kapso.send(one) for one in share] for share in shares])
    work_all()


@pytest.mark.parametrize("send", [in_reverse, twice, by_eight_at_once])
@pytest.mark.one_database
def test_however_they_come_the_same_is_left(send: Sending) -> None:
    kapso = Kapso()
    send_all(kapso, recorded())
    expected = rows()
    for model in (Contact, ChatMessage, ChatMark, AddressChange, KapsoDelivery):
        model.objects.all().delete()

    send(kapso, recorded())

    left = rows()
    for name in expected:
        assert left[name] == expected[name], name
