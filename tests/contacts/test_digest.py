"""The digest of the leads: a WhatsApp message that the manager bot sends as it is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from contacts.models import Workspace
from monitoring.kinds import Kind
from tests.callers import Caller
from tests.factories import ContactFactory, SyncFailureFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db

DIGEST = "/api/v1/leads/digest/"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BY_SARAH = {"status_changed_by": "sarah-bot", "lead_status": "contacted"}


@pytest.fixture
def caller() -> Caller:
    return Caller("leads:read")


def hot(name: str, **fields: Any) -> None:
    at = {"created_at": NOW - timedelta(hours=30), "last_activity_at": NOW - timedelta(hours=1)}
    ContactFactory(name=name, lead_temperature="hot", lead_score=80, **at | fields)


def normal_day() -> None:
    hot("Budi", **BY_SARAH, status_changed_at=NOW - timedelta(hours=3), business_type="Toko roti")
    hot("Ani", lead_status="qualified")
    ContactFactory.create_batch(2, created_at=NOW - timedelta(hours=2))


def bad_day() -> None:
    normal_day()
    waits = {
        **BY_SARAH,
        "status_changed_at": NOW - timedelta(days=2),
        "handed_over_at": NOW - timedelta(days=2),
        "answer_by": NOW - timedelta(days=1),
    }
    for number in range(4):
        hot(f"*_Sangat_* ~panjang~\n{number} " + "x" * 160, business_type="y" * 200, **waits)
        hot(f"Dewi {'z' * 150}", business_type="kopi " * 30)
    SyncFailureFactory.create_batch(5)
    SyncFailureFactory.create_batch(2, kind=Kind.CONTACT_NOT_FOUND)


DAYS = {"empty": lambda: None, "normal": normal_day, "bad": bad_day}


@time_machine.travel(NOW, tick=False)
@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("day", DAYS)
def test_a_digest_fits_into_a_message_whatever_the_day_was(caller, day: str, language: str) -> None:
    DAYS[day]()

    for period in ("day", "week"):
        text = caller.read(DIGEST, language=language, period=period)["text"]

        assert len(text) < 800
        assert all(line.count("*") in (0, 2) and "~" not in line for line in text.splitlines())


@time_machine.travel(NOW, tick=False)
def test_a_digest_says_what_is_new_who_waits_who_is_hot_and_what_failed(caller: Caller) -> None:
    normal_day()
    SyncFailureFactory()
    SyncFailureFactory.create_batch(2, kind=Kind.CONTACT_NOT_FOUND)

    assert caller.read(DIGEST, language="en")["text"].splitlines() == [
        "*Leads, last 24 hours*",
        "2 new leads (2 before).",
        "1 waits for a person:",
        "• Budi (80, Toko roti), for 3 hours",
        "1 more is hot:",
        "• Ani (80)",
        "2 people who are no leads yet write to Sarah: add them in LeadSync.",
        "1 sync failure waits for somebody: look at it in LeadSync.",
    ]


@time_machine.travel(NOW, tick=False)
def test_a_digest_is_in_indonesian_unless_english_is_asked_for(caller: Caller) -> None:
    normal_day()

    assert caller.read(DIGEST)["text"].splitlines() == [
        "*Lead, 24 jam terakhir*",
        "2 lead baru (sebelumnya 2).",
        "1 lead menunggu dihubungi:",
        "• Budi (80, Toko roti), sudah 3 jam",
        "1 lead lain juga Hot:",
        "• Ani (80)",
        "Semua kabar dari Sarah sudah masuk ke data lead.",
    ]
    assert caller.get(DIGEST, {"language": "fr"}).status_code == 400
    assert caller.get(DIGEST, {"period": "year"}).status_code == 400


@time_machine.travel(NOW, tick=False)
def test_a_bound_key_gets_the_digest_of_its_workspace(caller: Caller) -> None:
    normal_day()
    SyncFailureFactory()
    bound = Caller("leads:read", workspace=WorkspaceFactory(slug="two"))

    for text in (
        bound.read(DIGEST, language="en")["text"],
        caller.read(DIGEST, language="en", workspace="two")["text"],
    ):
        assert text.splitlines()[1:] == [
            "No new leads (0 before).",
            "Nobody waits for a person.",
            "Everything Sarah heard has reached its lead.",
        ]
    assert Workspace.objects.filter(slug="default").exists()
