"""Which texts that a bot took for a name a lead can be called by."""

from importlib import import_module
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection

from contacts.models import Contact
from contacts.names import is_usable_name
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory


def listed(texts: str) -> list[str]:
    return [" ".join(text.split()) for text in texts.split("|")]


RECORDED = listed("""
    hello | Halo | hi | Permisi kak | Assalamualaikum | P | Selamat pagi | Hai kak""")
"""All names that a recording of 300 real conversations ends with."""

NO_NAMES = {
    "greetings": [
        *RECORDED,
        *listed("""
            haloooo kak!! | HALLO | helloooo | Hi there! | hai | haiii | hai kakak 🙏 | hey |
            assalamu'alaikum | Assalamu’alaikum wr. wb. | Asalamualaikum | ass wr wb | aslm |
            Assalamualaikum warahmatullahi wabarakatuh | waalaikumsalam | Samlekum bos | selamat
            malam | slmt sore kak | met pagi | Pagi | malam min | Good morning | salam | salam kenal
            ya kak | Shalom | Om swastiastu | punten | permisi.. | misi | Halo Budi | Pagi Pak Andi
            | Permisi, Bu Rina | Hai Sarah | Hi Sarah! | h a l o
        """),
    ],
    "thanks and politeness": listed("""
        makasih | Terima kasih | terimakasih kak | thx | thanks a lot | tq sis | Thank you |
        sama-sama | maaf | sorry | excuse me | matur nuwun mas
    """),
    "yes and no": listed("""
        ya | iyaaa | Y | yes | Yess!! | ok | Okee | oke siap | sip | baik kak | betul | tidak |
        nggak | ga | no | bukan | belum ada | nanti dulu | ga usah | gpp
    """),
    "nothing": ["", "   ", "\u200d", *listed("... | 👍 | 🙏🙏 | !! | - | _ | ❤️ 😊")],
    "single letters": listed("""
        p | P! | ppp | PPPP | a | x | A. B. | 🅿️
    """),
    "numbers": listed("""
        1 | 42 | 081234567890 | +62 812 | 5 orang | jam 9 | 2x | ١٢٣ | Toko 88
    """),
    "questions": listed("""
        mau tanya | tanya dong | Mau nanya harga kak | berapa harganya | ini siapa | apa? | Budi? |
        info | info dong kak | how much | what is this | can I ask a question | Kak tanya | bisa
        konsultasi | ada promo | apa2 | mo tanya min | Ini dengan siapa ya
    """),
    "commands and tests": listed("""
        /start | !help | #order | menu | start | stop | ping | test | tes | testing 123 | Test! |
        tesss | cek | coba | test test
    """),
    "sentences": listed("""
        saya mau order | Nama saya Budi | saya Budi | Budi mau beli kopi | I want to order | I am
        interested | tertarik dengan produknya | boleh minta katalog | pesan 2 | warung saya di
        pinggir jalan raya dekat pasar lama | tolong dibantu ya
    """),
    "laughter and fillers": listed("""
        wkwkwk | hahaha | hehe | xixixi | hmm | eh | oh iya | kak | bu
    """),
    "what no person wrote": listed("""
        null | undefined | None | nama | user | customer | {{name}} | <name> | [nama] |
        budi@example.com | https://example.com | www.example.com | example.com | @budi
    """),
}

NAMES = listed("""
    Budi | budi santoso | SRI | Halimah | Haikal | Halona | Hadi | Yesi | Okta | Pia | Yes Sutanto |
    Hai Nguyen | Hải Nguyễn | Bu Sri | Pak Budi | Kak Rina | Ibu Rina | Al | Ibu Rina dari Bekasi |
    H. Abdul Salam | M. Yusuf | Budi S | I Made Wirawan | I Gusti | Pak Selamat | Selamat Riyadi |
    Kasih Permata | Tanya Wijaya | Ping Li | Ada Lovelace | Sarah | Sarah Wijaya | Ng | Henry Sy |
    Ok Taecyeon | Can Yaman | Vincent Price | Min Ji | Nur'aini | Siti-Aminah | O’Brien | Rina 🌸 |
    Rina88 | *Budi* | ~Dewi~ | Ade | Anna | Lee | R. A. Kartini | Iis | Aam | Aas | Muhammad Nur
    Hidayat bin Abdul Rahman | Rina & Toni | Toko Maju Jaya | 李明 | राम | محمد | 𝓑𝓾𝓭𝓲 | May | Will
    Smith | Grace | Joy | Pagita | Malamsari | Testa | Infantino | Yohanes | Iyan | Pingkan |
    Sipahutar | Siapno | Nona Apriliani | Pak Hari |
    Amin | Will | Tan How Ming
""")


@pytest.mark.parametrize("text", [text for texts in NO_NAMES.values() for text in texts])
def test_what_nobody_is_called_is_no_name(text: str) -> None:
    assert not is_usable_name(text)


@pytest.mark.parametrize("text", NAMES)
def test_whatever_people_are_called_stays_a_name(text: str) -> None:
    assert is_usable_name(text)


@pytest.mark.django_db
def test_greetings_that_no_person_wrote_are_taken_from_the_leads_once() -> None:
    migration = import_module("contacts.migrations.0005_blank_greetings_for_names")
    names = [*RECORDED, "haloooo kak!!", "🙏", "Budi", "Pak Selamat", "Hai Nguyen", "Al"]
    for name in names:
        ContactFactory(name=name)
    ContactFactory(name="Halo", staff_fields=["name"])

    migration.blank_greetings(apps, SimpleNamespace(connection=connection))

    left = Contact.objects.exclude(name="").order_by("pk").values_list("name", flat=True)
    assert list(left) == ["Budi", "Pak Selamat", "Hai Nguyen", "Al", "Halo"]


def test_a_greeting_stays_in_the_conversation_and_the_name_that_follows_reaches_the_lead(
    bot: Bot,
) -> None:
    lead = ContactFactory(phone=PHONE)

    named = []
    for said in ("Halo kak", "Budi", "makasih", "Budi Santoso"):
        bot.post(extracted_data={"name": said})
        lead.refresh_from_db()
        named.append((bot.remembers()["extracted_data"]["name"], lead.name))

    assert named == [
        ("Halo kak", ""),
        ("Budi", "Budi"),
        ("makasih", "Budi"),
        ("Budi Santoso", "Budi Santoso"),
    ]


def test_what_a_person_called_the_lead_stays(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    lead.edit({"name": "Bu Budi (toko)"}, by="ani")

    bot.post(extracted_data={"name": "Budi Santoso"})

    lead.refresh_from_db()
    assert lead.name == "Bu Budi (toko)"
