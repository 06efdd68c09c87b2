"""GET /sarah/state: what Sarah remembers of a conversation."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from django.test import Client

from contacts.models import Contact
from monitoring.models import SyncFailure
from sarah.models import SarahState
from tests.bot import BLANK, PHONE, Bot
from tests.factories import ContactFactory, SarahStateFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db(transaction=True)

SPELLINGS = ["+62 812-3456-7890", "6281234567890", "0812 3456 7890", "6281234567890@c.us"]


@pytest.mark.parametrize("leads", [0, 1], ids=["unknown", "a lead"])
def test_a_phone_without_a_conversation_gets_a_blank_state(bot: Bot, leads: int) -> None:
    ContactFactory.create_batch(leads, phone=PHONE, name="Budi", lead_score=80, language="en")

    answer = bot.get()

    assert (answer.status_code, answer.json()) == (200, BLANK)
    assert (SarahState.objects.count(), Contact.objects.count()) == (0, leads)


def test_a_known_phone_gets_everything_that_was_told(bot: Bot) -> None:
    told = {
        "state": "handoff",
        "lead_score": 85,
        "lead_temperature": "hot",
        "extracted_data": {"name": "Budi", "pain_points": ["lambat"], "budget": {"max": 5}},
        "language": "en",
        "message_count": 9,
    }
    bot.post(**told, last_message_at="2026-03-01T19:00:00+07:00")

    answer = bot.get()

    state = SarahState.objects.get()
    remembered = answer.json()
    assert answer.status_code == 200
    for name in ("created_at", "updated_at", "last_message_at"):
        assert remembered[name].endswith("Z")
        assert datetime.fromisoformat(remembered.pop(name)) == getattr(state, name)
    assert remembered == {**told, "contact_phone": PHONE, "workspace_id": "default"}
    assert state.last_message_at == datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize("path", ["/sarah/state", "/sarah/state/"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_any_spelling_finds_the_conversation_with_and_without_a_slash(
    bot: Bot, path: str, spelling: str
) -> None:
    SarahStateFactory(contact_phone=PHONE, message_count=3)

    encoded = bot.client.get(f"{path}?contact_phone={quote(spelling, safe='')}")
    plain = bot.client.get(f"{path}?contact_phone={spelling.replace(' ', '%20')}")

    for answer in (encoded, plain):  # in a query string, a plain `+` means a space
        assert (answer.status_code, answer.json().get("message_count")) == (200, 3)


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("", "contact_phone is required"),
        ("?contact_phone=", "contact_phone is required"),
        ("?phone=6281234567890", "contact_phone is required"),
        ("?contact_phone=Budi", "letters"),
        ("?contact_phone=0812", "too few"),
        ("?contact_phone=%2B62%00812", "The phone number"),
        ("?contact_phone=%ff%fe", "The phone number"),
        ("?contact_phone=" + "9" * 4000, "far too long"),
    ],
)
def test_a_phone_that_is_missing_or_unusable_is_400_and_says_why(
    bot: Bot, query: str, sentence: str
) -> None:
    answer = bot.client.get(f"/sarah/state{query}")

    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    assert not SyncFailure.objects.exists()  # nobody needs to look at it


def test_the_state_of_a_named_workspace_is_only_its_own(bot: Bot) -> None:
    here = WorkspaceFactory(slug="kopi-kita", kapso_phone_number_id="1065")
    SarahStateFactory(contact_phone=PHONE, message_count=1)
    SarahStateFactory(contact_phone=PHONE, workspace=here, message_count=2)

    assert bot.get(workspace_id="default").json()["message_count"] == 1
    assert bot.get(workspace_id="kopi-kita").json()["message_count"] == 2
    assert bot.get(workspace_id="1065").json()["workspace_id"] == "kopi-kita"
    assert bot.get(workspace_id="nowhere").json() == BLANK


def test_without_a_workspace_the_one_that_a_post_would_go_to_comes_first(bot: Bot) -> None:
    home = WorkspaceFactory(slug="home")
    elsewhere = WorkspaceFactory(slug="elsewhere")
    SarahStateFactory(contact_phone=PHONE, workspace=home, message_count=1)
    SarahStateFactory(contact_phone=PHONE, workspace=elsewhere, message_count=2)
    assert bot.get().json()["workspace_id"] == "elsewhere"  # the newest

    ContactFactory(phone=PHONE, workspace=home)

    assert bot.get().json()["workspace_id"] == "home"


def test_a_state_that_waits_for_its_workspace_is_found_under_the_name_it_was_given(
    bot: Bot,
) -> None:
    bot.post(workspace_id="soon", message_count=4)

    named = bot.get(workspace_id="soon").json()
    assert (named["message_count"], named["workspace_id"]) == (4, "soon")
    assert bot.get().json()["message_count"] == 4


def test_a_key_of_one_workspace_sees_nothing_else(bot: Bot) -> None:
    home = WorkspaceFactory(slug="home")
    bound = Bot("bound-bot", workspace=home)
    SarahStateFactory(contact_phone=PHONE, message_count=1)
    bot.post(workspace_id="soon", message_count=2)

    assert bound.get().json() == BLANK
    assert bound.get(workspace_id="home").json() == BLANK


def test_reading_changes_nothing(bot: Bot) -> None:
    SarahStateFactory(contact_phone=PHONE)
    before = list(SarahState.objects.values())

    bot.get()
    bot.client.head(f"/sarah/state?contact_phone={quote(PHONE)}")

    assert list(SarahState.objects.values()) == before


def test_plain_http_is_answered_and_warned_about(bot: Bot, settings, caplog) -> None:
    settings.SECURE_SSL_REDIRECT = True

    for answer in (bot.get(), bot.post(), Client().get("/sarah/state")):
        assert answer.status_code in (200, 401)

    assert caplog.text.count("plain HTTP") == 3
    assert PHONE not in caplog.text
