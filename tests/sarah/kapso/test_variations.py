"""What deliveries of the recorded kinds may look like as well: fields missing, shapes of before."""

from datetime import UTC, datetime
from itertools import permutations
from typing import Any

import pytest

from contacts.identity import addresses_of
from contacts.models import AddressChange, ChatMark, ChatMessage, Contact, MarketingWord
from monitoring.models import SyncFailure
from tests.bot import Bot
from tests.factories import ContactFactory
from tests.kapso import Kapso

pytestmark = pytest.mark.django_db(transaction=True)

DIGITS, PHONE, USER_ID = "6281234567890", "+6281234567890", "ID.26694801573320718846"
SENT = datetime.fromtimestamp(1795400045, UTC)
MESSAGE = "whatsapp.message."
MOVED = "whatsapp.contact.identity_changed"


@pytest.fixture
def kapso() -> Kapso:
    return Kapso()


@pytest.mark.parametrize("event", ["sent", "delivered", "read", "failed"])
def test_a_message_of_ours_is_ours_by_its_event_alone(kapso: Kapso, event: str) -> None:
    told = {"id": "wamid.1", "timestamp": "1795400045", "from": "628119000417", "to": DIGITS}

    kapso.tell(f"{MESSAGE}{event}", {"message": told | {"type": "text", "text": {"body": "Hi"}}})

    message = ChatMessage.objects.get()
    assert (message.author, message.contact_phone) == ("bot", PHONE)
    assert ChatMark.objects.get().status == event
    assert not Contact.objects.exists()


@pytest.mark.parametrize("event", ["whatsapp.message.pinned", "whatsapp.conversation.merged"])
def test_an_event_that_we_do_not_know_is_named_also_if_its_body_is_known(
    kapso: Kapso, event: str
) -> None:
    message = {"id": "wamid.1", "from": DIGITS, "type": "text", "text": {"body": "Halo"}}

    kapso.tell(event, {"message": message, "conversation": {"phone_number": DIGITS}})

    assert f"event {event}" in SyncFailure.objects.get().error


SPOKEN: dict[str, tuple[dict[str, Any], str]] = {
    "a reply without its type": (
        {"type": "interactive", "interactive": {"list_reply": {"id": "1", "title": "10-20"}}},
        "10-20",
    ),
    "a text in Kapso's words only": (
        {"text": None, "kapso": {"direction": "inbound", "content": "Halo kak"}},
        "Halo kak",
    ),
    "an emoji": ({"type": "reaction", "reaction": {"message_id": "x", "emoji": "🙏"}}, "🙏"),
    "a reaction taken back": ({"type": "reaction", "reaction": {"message_id": "x"}}, ""),
    "a place without a name": (
        {"type": "location", "location": {"latitude": -6.9, "longitude": 107.6}},
        "-6.9, 107.6",
    ),
    "an order": (
        {"type": "order", "order": {"product_items": [{"product_retailer_id": "kopi-1"}]}},
        "kopi-1",
    ),
    "a file": (
        {"type": "document", "document": {"filename": "menu.pdf", "url": "x://y"}},
        "menu.pdf",
    ),
    "a button of a template": ({"type": "button", "button": {"text": "Ya", "payload": "1"}}, "Ya"),
    "a filled form": (
        {
            "type": "interactive",
            "interactive": {
                "type": "nfm_reply",
                "nfm_reply": {"body": "Sent", "response_json": "{}"},
            },
        },
        "Sent",
    ),
}


@pytest.mark.parametrize(("fields", "text"), SPOKEN.values(), ids=SPOKEN)
def test_what_was_said_is_read_from_wherever_it_stands(
    kapso: Kapso, fields: dict[str, Any], text: str
) -> None:
    kapso.hears(**fields)

    assert ChatMessage.objects.get().text == text


@pytest.mark.parametrize(
    ("referral", "source"),
    [
        ({"headline": "Otomatis chat", "source_id": "120"}, "ad: Otomatis chat"),
        ({"source_id": "120", "source_url": "https://fb.me/x"}, "ad: 120"),
        ({"source_type": "ad", "source_url": "https://fb.me/x"}, "ad: https://fb.me/x"),
        ({"ctwa_clid": "abc"}, "ad: abc"),
        ({}, "whatsapp"),
    ],
)
def test_an_ad_is_the_source_whatever_is_told_of_it(
    kapso: Kapso, referral: dict[str, str], source: str
) -> None:
    kapso.hears(referral=referral)

    assert Contact.objects.get().source == source


@pytest.mark.parametrize(
    "sent", ["1795400045", " 1795400045 ", 1795400045, 1795400045.4, SENT.isoformat()]
)
def test_a_time_is_read_in_any_form(kapso: Kapso, sent: object) -> None:
    kapso.hears(timestamp=sent)

    assert ChatMessage.objects.get().sent_at.replace(microsecond=0) == SENT


FAILED = {"code": 131047, "error_data": {"details": "Over 24 hours."}}


@pytest.mark.parametrize(
    "fields",
    [
        {"errors": [FAILED]},
        {
            "kapso": {
                "direction": "outbound",
                "statuses": [{"status": "failed"}],
                "errors": [FAILED],
            }
        },
        {"kapso": {"statuses": [{"status": "sent"}, {"status": "failed", "errors": [FAILED]}]}},
        {"kapso": {"statuses": [{"status": "sent", "errors": [FAILED]}]}},
    ],
)
def test_the_reason_of_a_failure_is_found_wherever_it_stands(
    kapso: Kapso, fields: dict[str, Any]
) -> None:
    message = {"id": "wamid.1", "timestamp": "1795400045", "type": "text", "to": DIGITS}

    kapso.tell(f"{MESSAGE}failed", {"message": message | fields})

    assert ChatMark.objects.get(status="failed").reason == "131047 Over 24 hours."


def test_an_identity_without_one_of_before_is_news_of_the_person(kapso: Kapso) -> None:
    ContactFactory(phone=PHONE)

    kapso.tell(
        MOVED,
        {
            "contact": {"wa_id": DIGITS, "business_scoped_user_id": USER_ID, "username": "budi"},
            "previous": {"business_scoped_user_id": None, "parent_business_scoped_user_id": None},
        },
    )

    lead = Contact.objects.get()
    assert (lead.phone, lead.business_scoped_user_id) == (PHONE, USER_ID)
    assert lead.whatsapp_username == "budi"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_number_that_changed_with_the_id_stays_known_in_whatever_order(
    kapso: Kapso, order: tuple[int, ...]
) -> None:
    deliveries = [
        lambda: kapso.hears(from_user_id="ID.1"),
        lambda: kapso.tell(
            MOVED,
            {
                "contact": {"wa_id": "6281200000001", "business_scoped_user_id": "ID.2"},
                "previous": {"business_scoped_user_id": "ID.1"},
            },
        ),
    ]

    for number in order:
        deliveries[number]()
    Bot().post(PHONE, extracted_data={"goals": "sell more"})
    kapso.hears("Masih di sini")

    lead = Contact.objects.get()
    assert (lead.phone, lead.business_scoped_user_id) == ("+6281200000001", "ID.2")
    assert lead.goals == "sell more"
    assert set(AddressChange.objects.values_list("former", "phone", "user_id")) == {
        ("ID.1", "+6281200000001", "ID.2"),
        (PHONE, "+6281200000001", "ID.2"),
    }
    chat = ChatMessage.objects.of(*addresses_of(lead), workspace_id=lead.workspace_id)
    assert chat.count() == 2


@pytest.mark.parametrize("order", [*permutations(("stop", "moved", "hears"))], ids=" ".join)
def test_what_was_said_of_marketing_reaches_the_lead_in_whatever_order(
    kapso: Kapso, order: tuple[str, ...]
) -> None:
    before, now = {"business_scoped_user_id": "ID.1"}, {"business_scoped_user_id": "ID.2"}

    def prefers(status: str, sequence: int) -> None:
        said = {"status": status, "occurred_at": f"2026-11-2{sequence}T01:00:00Z"}
        told = {"contact": before, "marketing_preference": said | {"sequence": sequence}}
        kapso.tell("whatsapp.contact.marketing_preference_changed", told)

    deliveries = {
        "stop": lambda: [prefers("stopped", 2), prefers("resumed", 1)],
        "moved": lambda: kapso.tell(MOVED, {"contact": now, "previous": before}),
        "hears": lambda: kapso.hears(phone="", from_user_id="ID.2"),
    }
    for name in order:
        deliveries[name]()

    lead = Contact.objects.get()
    assert (lead.business_scoped_user_id, lead.marketing_sequence) == ("ID.2", 2)
    assert lead.marketing_stopped_at == datetime(2026, 11, 22, 1, tzinfo=UTC)
    assert not MarketingWord.objects.exists()


def test_who_wants_no_marketing_is_asked_for_it_by_nobody_who_adds_the_lead(kapso: Kapso) -> None:
    said = {"status": "stopped", "occurred_at": "2026-11-22T01:00:00Z"}
    told = {"contact": {"wa_id": DIGITS}, "marketing_preference": said}
    for _again in range(2):
        kapso.tell("whatsapp.contact.marketing_preference_changed", told)
    assert MarketingWord.objects.count() == 1

    lead = ContactFactory(phone=PHONE)

    lead.refresh_from_db()
    assert lead.marketing_stopped_at == datetime(2026, 11, 22, 1, tzinfo=UTC)


def test_a_message_that_came_with_the_history_first_makes_a_lead_once_it_comes(
    kapso: Kapso,
) -> None:
    for origin in ("history_sync", "cloud_api"):
        kapso.hears(id="wamid.1", kapso={"direction": "inbound", "origin": origin})

    assert Contact.objects.get().phone == PHONE
    assert not ChatMessage.objects.get().is_history


@pytest.mark.parametrize("shown", ["628119000417", "+62 811-9000-417"])
@pytest.mark.parametrize("told", [{}, {"to": DIGITS}])
def test_whose_words_metas_history_has_is_read_from_any_spelling_of_our_number(
    kapso: Kapso, shown: str, told: dict[str, str]
) -> None:
    ours = {"from": "628119000417", "id": "wamid.1", "type": "text"} | told
    theirs = {"from": DIGITS, "id": "wamid.2", "type": "text"}
    thread = {"id": DIGITS, "messages": [ours, theirs]}
    value = {"metadata": {"display_phone_number": shown}, "history": [{"threads": [thread]}]}

    kapso.tell("", {"entry": [{"changes": [{"field": "history", "value": value}]}]})

    assert dict(ChatMessage.objects.values_list("wamid", "author")) == {
        "wamid.1": "staff",
        "wamid.2": "lead",
    }
