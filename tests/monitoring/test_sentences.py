"""What is kept in English is told in the language of whoever reads it."""

import smtplib
import socket
from html import unescape

import pytest
from django.utils import translation

from monitoring import webhooks
from monitoring.alerts.deliver import MAIL_ERRORS, NotSent, _in_words
from monitoring.models import FailureGroup, SyncFailure
from monitoring.sentences import TABLE, in_words
from sarah.models import StateUpdate
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory
from tests.staff import Staff

UNUSABLE = {"lead_score": "many", "extracted_data": {"name": "B" * 300, "pain_points": 7}}


@pytest.fixture
def dewi(db: None) -> Staff:
    """Operates in Indonesian."""
    staff = Staff(is_superuser=True)
    staff.client.cookies["django_language"] = "id"
    return staff


@pytest.mark.django_db(transaction=True)
def test_the_bot_hears_english_and_an_indonesian_reads_indonesian(bot: Bot, dewi: Staff) -> None:
    lead = ContactFactory(phone=PHONE)

    answer = bot.post(**UNUSABLE).json()

    assert answer["warnings"] == {
        "lead_score": "lead_score is not a number; we left it out.",
        "extracted_data.name": "extracted_data.name is longer than 200 characters; we cut it.",
        "extracted_data.pain_points": "extracted_data.pain_points is not a list of texts; "
        "we left it out.",
    }
    pages = [
        ("contacts_contact_change", lead.pk),
        ("sarah_stateupdate_change", StateUpdate.objects.get().pk),
        ("monitoring_syncfailure_change", SyncFailure.objects.get().pk),
        ("monitoring_failuregroup_change", FailureGroup.objects.get().pk),
    ]
    for name, pk in pages:
        page = unescape(dewi.sees(name, pk))
        assert "lead_score bukan angka; kami abaikan." in page, name
        assert "is not a number" not in page, name


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"nonsense", "Isinya bukan JSON."),
        (b'{"state": "greeting"}', "contact_phone wajib diisi"),
        (b'{"contact_phone": "Budi"}', "Nomor telepon berisi huruf"),
        (b'{"story": "' + b"x" * 70_000 + b'"}', "Isinya lebih dari 64 KiB."),
    ],
)
@pytest.mark.one_database
def test_why_a_message_was_refused_is_told_in_the_readers_language(
    sent: bytes, said: str, bot: Bot, dewi: Staff
) -> None:
    answer = bot.send(sent, content_type="text/plain")

    failure = SyncFailure.objects.get()
    page = unescape(dewi.sees("monitoring_syncfailure_change", failure.pk))
    assert answer.json()["error"] == failure.error
    assert said in page
    assert failure.error not in page


def test_why_a_message_was_not_delivered_is_known_to_the_table() -> None:
    errors = [
        *(kind("x") for kind in (NotSent, OSError, ConnectionRefusedError, TimeoutError)),
        *(socket.gaierror(), ValueError(), smtplib.SMTPServerDisconnected()),
    ]
    told = [*MAIL_ERRORS.values(), *map(_in_words, errors[1:]), webhooks.in_words(ValueError())]

    assert [sentence for sentence in told if not TABLE.knows(sentence)] == []


@pytest.mark.parametrize(
    ("kept", "shown"),
    [
        ("ani took over from Sarah until it is handed back: She knows her.", "ani mengambil alih"),
        ("Stopped before it was done.", "Dihentikan sebelum selesai."),
        ("One thing.\nlead_score is not a number; we left it out.", "One thing.\nlead_score bukan"),
        ("ValueError: a developer reads this", "ValueError: a developer reads this"),
        ("budget has control characters and is nested deeper than 20; we kept the rest.",
         "budget berisi karakter kendali dan bersarang lebih dalam dari 20; sisanya kami simpan."),
        ("extracted_data.jumlah tim has control characters; we removed them.",
         "extracted_data.jumlah tim berisi karakter kendali; kami hapus."),
        ("extracted_data.ide and budget is nested deeper than 20; we left it out.",
         "extracted_data.ide and budget bersarang lebih dalam dari 20"),
        # A hostile bot's field names are not searched for where they might end.
        (f"{'a' * 1_000} is not a number; we left it out.", f"{'a' * 1_000} is not a number"),
        ("", ""),
    ],
)  # fmt: skip
def test_rows_of_former_releases_are_told_as_well_and_the_unknown_as_it_is(
    kept: str, shown: str
) -> None:
    with translation.override("id"):
        assert in_words(kept).startswith(shown)
    with translation.override("en"):
        assert in_words(kept) == kept
