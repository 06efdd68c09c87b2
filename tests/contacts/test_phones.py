import re
import unicodedata
from time import process_time
from timeit import timeit

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contacts.phones import (
    E164,
    InvalidPhone,
    is_national,
    pattern_of,
    search_range,
    to_e164,
    with_plain_digits,
)

BUDI = "+6281234567890"

# Every spelling of one lead; the same for a bot and for a person.
SPELLINGS_OF_BUDI = [
    "+6281234567890", "6281234567890", "006281234567890", "081234567890", 6281234567890,
    "+62 812 3456 7890", "62 812-3456-7890", "00 62 812 3456 7890", "0812-3456-7890",
    "(+62) 812.3456.7890", "(0812) 3456 7890", "[62] 81234567890", "+ 62 812 3456 7890",
    "+62 (0)812 3456 7890", "+62081234567890", "0062 (0) 812 3456 7890", "62081234567890",
    " 6281234567890", "  081234567890 ", "\t+6281234567890\r\n", "'+6281234567890",
    "+62\u00a0812\u20113456\u20137890", "+62\u2009812\u22123456\u20147890",
    "+6281234567890", "０８１２３４５６７８９０", "٠٨١٢٣٤٥٦٧٨٩٠", "+۶۲۸۱۲۳۴۵۶۷۸۹۰",
    "\u202a+62 812-3456-7890\u202c", "\ufeff081234567890", "0812\u200b3456\u20607890\u200e",
    "whatsapp:+6281234567890", "WhatsApp:6281234567890", "whatsapp: 081234567890",
    "tel:+62-812-3456-7890", "TEL:081234567890", "tel://+6281234567890",
    "6281234567890@c.us", "6281234567890@s.whatsapp.net", "6281234567890:12@S.WhatsApp.net",
    "wa.me/6281234567890", "https://wa.me/6281234567890", "http://www.wa.me/+6281234567890/",
    "https://wa.me/6281234567890?text=Halo%20kak&x=1", "https://wa.me/081234567890#a",
    "https://api.whatsapp.com/send?phone=6281234567890",
    "https://api.whatsapp.com/send/?phone=%2B6281234567890&text=Halo",
    "https://web.whatsapp.com/send?text=a+b&phone=6281234567890&phone=1",
    "whatsapp://send?phone=6281234567890",
]  # fmt: skip

# raw, region, for a bot, for a person (None: refused)
READINGS = [
    ("62811123456", "ID", "+62811123456", "+62811123456"),  # not +62 62811…
    ("0811123456", "ID", "+62811123456", "+62811123456"),
    ("15551234567", "ID", "+15551234567", "+15551234567"),
    ("021 555 1234", "ID", "+62215551234", "+62215551234"),
    ("(0274) 512345", "ID", "+62274512345", "+62274512345"),
    ("+62 21 5551234", "SG", "+62215551234", "+62215551234"),
    ("81234567890", "ID", "+81234567890", BUDI),  # Japan, or a zero left out
    (81234567890, "ID", "+81234567890", BUDI),
    (" 81234567890", "ID", "+81234567890", BUDI),
    ("+81234567890", "ID", "+81234567890", "+81234567890"),
    ("81234567890@c.us", "ID", "+81234567890", "+81234567890"),
    ("wa.me/81234567890", "ID", "+81234567890", "+81234567890"),
    ("tel:812-3456-7890", "ID", "+81234567890", BUDI),
    ("81234567", "SG", None, "+6581234567"),
    ("6581234567", "ID", "+6581234567", "+6581234567"),
    ("91234567", "SG", "+91234567", "+91234567"),  # only 8… is national: the rest as with a bot
    ("+65 9123 4567", "ID", "+6591234567", "+6591234567"),
    ("012-345 6789", "MY", "+60123456789", "+60123456789"),
    ("60123456789", "MY", "+60123456789", "+60123456789"),
    ("+60 (0)12-345 6789", "ID", "+60123456789", "+60123456789"),
    ("8005551234", "US", None, "+18005551234"),
    ("1 (212) 555-0100", "US", "+12125550100", "+12125550100"),
    ("011 62 812 3456 7890", "US", BUDI, BUDI),  # dialled out of the US
    ("+44 (0)20 7946 0958", "ID", "+442079460958", "+442079460958"),
    ("020 7946 0958", "GB", "+442079460958", "+442079460958"),
    ("+39 06 698 12345", "ID", "+390669812345", "+390669812345"),  # Italy's zero stays
    ("06 698 12345", "IT", "+390669812345", "+390669812345"),
    ("8 912 345 67 89", "RU", None, "+79123456789"),
    ("+54 11 15 2345 6789", "ID", "+5491123456789", "+5491123456789"),
    ("08123456", "ID", "+628123456", "+628123456"),  # possible, though not valid
    ("62812345", "ID", "+62812345", "+62812345"),  # eight digits: the shortest
]  # fmt: skip

REFUSED = [
    "", " ", "\t\n", "\u200b\ufeff", "+", "-", "()", "0", "00", "+0", "++", "wa.me/", "tel:",
    None, True, False, 6281234567890.0, [], {}, b"+6281234567890", -6281234567890, 0, 10**16,
    10**5000, "6281234567890.0", "6.28123E+12", "nan", "null", "undefined", "{{phone}}",
    "+62812O4567890", "0812-345-ABCD", "1-800-FLOWERS", "+6281234567890 ext 5", "Budi 0812345678",
    "+6281234567890x5", "+6281234567890;ext=5", "tel:+6281234567890;phone-context=+62", "HP 0812",
    "+62812\x003456", "\x00+6281234567890", "+62812\x1b[31m34567", "\ud800", "+62812\udfff34567",
    "+62812½4567", "+62812三4567", "%2B6281234567890", "0tel:81234567890", "０８１２３四",
    "++6281234567890", "+62+81234567890", "62+81234567890", "+006281234567890", "00062812345678",
    "+081234567890", "+9991234567890", "+62 00812345678", "+62 0 0812345678", "+6281#31#234567",
    "081234567890/081234567891", "081234567890, 081234567891", "0812345\n0813456", "0812\t3456789",
    "081234567890 081234567891", "+6281234567890 +6281234567891", "021 555 1234/35", "081 & 082",
    "0812345", "+620812345", "+62812", "6281234", "1234567", "12345678901234567", "9" * 250,
    "0" * 64, "8" * 257, "+62" + " " * 300 + "81234567890", "x" * 10**6, "\ufdfa" * 256,
    "120363012345678901@g.us", "6281234567890-1499999999@g.us", "6281234567890-1499999999",
    "123456789012345@lid", "status@broadcast", "120363012345678901@newsletter", "budi@example.com",
    "@c.us", "6281234567890@c.us.evil.com", "https://wa.me/message/ABCDEF", "https://wa.me/qr/XYZ",
    "https://evil.com/wa.me/6281234567890", "https://api.whatsapp.com/send?text=6281234567890",
]  # fmt: skip


def read(raw, **options):
    try:
        return to_e164(raw, **options)
    except InvalidPhone:
        return None


@pytest.mark.parametrize("from_person", [False, True])
@pytest.mark.parametrize("raw", SPELLINGS_OF_BUDI, ids=ascii)
def test_every_spelling_of_a_number_is_one_lead(raw, from_person):
    assert to_e164(raw, from_person=from_person) == BUDI


@pytest.mark.parametrize(("raw", "region", "bot", "person"), READINGS)
def test_the_reading_depends_on_region_and_on_who_wrote_it(raw, region, bot, person):
    assert read(raw, region=region) == bot
    assert read(raw, region=region, from_person=True) == person


@pytest.mark.parametrize("from_person", [False, True])
@pytest.mark.parametrize("raw", REFUSED, ids=lambda raw: ascii(raw)[:30] if raw != 10**5000 else "")
def test_what_is_not_one_phone_number_is_refused_in_a_safe_sentence(raw, from_person):
    with pytest.raises(InvalidPhone) as refusal:
        to_e164(raw, from_person=from_person)

    message = str(refusal.value)
    assert message.startswith("The phone number ")
    assert message.endswith("send it like +6281234567890.")
    assert not any(unicodedata.category(character).startswith("C") for character in message)


def test_an_unknown_region_refuses_only_what_depends_on_it():
    assert read("081234567890", region="XX") is None
    assert read("6281234567890", region="XX") == BUDI


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("0812-3456-7890", True), (" (0812) 3456", True), ("wa.me/0812", True), ("٠٨١٢", True),
        ("tel:0812", True), ("00628123456", False), ("+62812", False), ("62812", False),
        ("812", False), (812, False), ("+0812", False), ("", False), (None, False), ("0x", False),
    ],
)  # fmt: skip
def test_only_a_single_leading_zero_depends_on_the_region(raw, expected):
    assert is_national(raw) is expected


@pytest.mark.parametrize(
    "typed",
    [
        "0812 34", "+62 812-34", "62812 34", "0062812 34", "812 34", "+62 (0)812 34",
        "+62 (812 34-", "620812 34", " 081234", "wa.me/6281234", "https://wa.me/6281234?text=a",
        "6281234@c.us", "whatsapp:+6281234", "tel:0812-34", "٠٨١٢٣٤", "\u202a+6281234\u202c",
    ],
)  # fmt: skip
def test_a_partly_typed_phone_in_any_spelling_is_one_range(typed):
    assert search_range(typed) == ("+6281234", "+628123499999999")


@pytest.mark.parametrize(
    "raw", [raw for raw in SPELLINGS_OF_BUDI if isinstance(raw, str)], ids=ascii
)
def test_a_complete_number_in_any_spelling_is_one_range(raw):
    assert search_range(raw) == (BUDI, "+628123456789099")


@pytest.mark.parametrize(
    ("typed", "region", "low"),
    [
        ("081", "ID", "+6281"), ("812", "ID", "+62812"), ("628", "ID", "+628"),
        ("15-5", "ID", "+155"), ("8123", "SG", "+658123"), ("012-3", "MY", "+60123"),
        ("06 69", "IT", "+390669"), ("+39 06", "ID", "+3906"), ("06 20", "HU", "+3620"),
        ("+44 (0)20", "ID", "+4420"), ("999999999999999", "ID", "+999999999999999"),
    ],
)  # fmt: skip
def test_a_range_begins_with_what_was_typed(typed, region, low):
    assert search_range(typed, region=region) == (low, low.ljust(16, "9"))


@pytest.mark.parametrize(
    "typed",
    ["", " ", "+", "0", "08", "00", "0062", "62", "+62", "000", "+0812", "Budi", "0812a", "b@x.id",
     "0812, 0813", "0812\x00", "\ud800", "6" * 16, "08" + "1" * 14, "9" * 300],
    ids=ascii,
)  # fmt: skip
def test_what_does_not_begin_a_number_has_no_range(typed):
    assert search_range(typed) is None


def test_an_unknown_region_has_no_national_range():
    assert search_range("0812 34", region="XX") is None


def example_numbers():
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in phonenumbers.PhoneNumberType.values():
            if number := phonenumbers.example_number_for_type(region, kind):
                yield region, number


def test_every_kind_of_number_of_every_country_is_read_and_found():
    style = phonenumbers.PhoneNumberFormat
    for region, number in example_numbers():
        e164 = phonenumbers.format_number(number, style.E164)
        if not re.fullmatch(E164, e164):
            continue  # a few countries have numbers under eight digits
        spellings = [e164, e164[1:], phonenumbers.format_number(number, style.INTERNATIONAL)]
        national = phonenumbers.format_number(number, style.NATIONAL)
        if is_national(national) and region != "AR":  # its mobiles are rewritten: 15… is +54 9…
            spellings.append(national)

        for spelling in spellings:
            # A bare 8… (Japan, China; Russia at home) is national for a person: asserted above.
            assert read(spelling, region=region) == e164
            if spelling[0] != "8":
                for end in range(len(spelling)):
                    bounds = search_range(spelling[: end + 1], region=region)
                    assert bounds is None or bounds[0] <= e164 <= bounds[1], (spelling, end)


phone_like = st.text("0123456789+ -()٠８", max_size=24) | st.from_regex(r"\+?[0-9]{7,18}")
anything = st.text() | phone_like | st.text(st.characters(categories=["Cs", "Nd", "Cf", "No"]))


@given(raw=anything, region=st.sampled_from(["ID", "US", "RU", "HU", "AR", "IT"]), by=st.booleans())
@example(raw="+62000812345678", region="ID", by=False)
def test_any_text_is_refused_or_becomes_a_number_that_reads_as_itself(raw, region, by):
    e164 = read(raw, region=region, from_person=by)
    bounds = search_range(raw, region=region)

    assert bounds is None or bounds[0] <= bounds[1]
    if e164 is not None:
        assert re.fullmatch(E164, e164)
        assert {
            read(e164, region=r, from_person=p) for r in ("ID", "US") for p in (True, False)
        } == {e164}
        assert to_e164(f"{e164}") == to_e164(e164[1:]) == e164


@given(
    raw=st.none() | st.booleans() | st.integers() | st.floats() | st.binary() | st.lists(st.text())
)
def test_any_json_value_is_refused_or_becomes_a_number(raw):
    e164 = read(raw)

    assert e164 is None or re.fullmatch(E164, e164)


def test_a_number_is_looked_for_in_a_time_that_grows_no_faster_than_the_text() -> None:
    """At worst a text that begins the number again and again, with wide gaps."""
    small, large = (
        f"8{' ' * 40}1{' .' * 40}2{'-' * 40}\u0669\\u0669" * times for times in (100, 1_600)
    )

    def seconds(text: str) -> float:
        def look() -> object:
            return pattern_of("+6281299988877").search(with_plain_digits(text))

        return min(timeit(look, timer=process_time, number=1) for _time in range(3))

    assert seconds(large) < 16 * 6 * max(seconds(small), 0.0005)
