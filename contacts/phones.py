"""Reads phone numbers: any spelling of a number becomes one E.164 text, or an error. Pure.

Error messages never repeat the input, so they are safe to log.
"""

import re
import unicodedata
from functools import lru_cache

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

MAX_RAW_LENGTH = 256  # room for a wa.me link; checked before any other work
MAX_DIGITS = 15
REGIONS = frozenset(phonenumbers.SUPPORTED_REGIONS)
"""Countries (ISO 3166) whose national numbers can be read."""
E164 = r"^\+[1-9][0-9]{7,14}\Z"  # PostgreSQL and Python agree on \Z; on $ they do not

_NUMBER = re.compile(r"\+?[0-9]+")
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
# Without slash, comma and line break: they separate two numbers ("021 555 1234/35").
_FORMATTING = dict.fromkeys(map(ord, " -.()[]\u2010\u2011\u2012\u2013\u2014\u2015\u2212"))
_GAP = (
    r"[ \t\-.()\[\]{}/\u00a0\u2000-\u200a\u2010-\u2015\u202f\u205f\u2212\u3000"
    r"\uff08\uff09\uff0d\uff0e\uff0f\uff3b\uff3d]*"
)
"""What may stand between the digits of one number in a text."""
_ESCAPED = re.compile(r"(?<!\\)\\++u([0-9a-fA-F]{4})")
_OTHER_DIGIT = re.compile(r"[^\D0-9]")
_TEL = re.compile(r"^tel:(?://)?", re.IGNORECASE)
_WHATSAPP = re.compile(
    r"""
      whatsapp:(?!//) (.*)
    | (\+?[0-9]+) (?: :[0-9]+ )? @(?: c\.us | s\.whatsapp\.net )  # ":12" is a linked device
    | (?: https?:// )? (?: www\. )? wa\.me/ ([^/?\#]*) /? (?: [?\#].* )?
    | (?: (?: https?:// )? (?: api | web )\.whatsapp\.com/ | whatsapp:// )
      send/? \? (?: [^\#]*?& )? phone= (?: %2B )? ([^&\#]*) (?: [&\#].* )?
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


class InvalidPhone(ValueError):
    """Not a usable phone number; `str()` is one sentence: what is wrong and what to do."""


def to_e164(raw: object, *, region: str = "ID", from_person: bool = False) -> str:
    """Return the number as E.164 (`+6281234567890`). Raises InvalidPhone and nothing else.

    `0…` is a national number in `region`. Other bare digits are a WhatsApp id, which begins with
    the country code; only from a person is `8…` national, too. Reading a result returns it as is.
    """
    number, national = _read(raw, from_person=from_person)
    e164 = _parse(number, region if national else None)
    # Each reading strips one of two trunk prefixes, so one lead would get two numbers.
    if e164 != number and _parse(e164, None) != e164:
        raise _invalid("repeats a prefix")
    return e164


def is_national(raw: object) -> bool:
    """Return whether a bot's `raw` is read in the workspace's region; False if it is no number."""
    try:
        return _read(raw, from_person=False)[1]
    except InvalidPhone:
        return False


def search_range(typed: str, *, region: str = "ID") -> tuple[str, str] | None:
    """Return inclusive bounds on the stored numbers that begin with what a person `typed`.

    None if that is not the beginning of a phone number. The bounds compare as plain characters.
    """
    try:
        number, national = _read(typed, from_person=True)
    except InvalidPhone:
        return None
    digits = number.removeprefix("+")
    if len(digits) < 3:
        return None
    if national:
        digits = f"{phonenumbers.country_code_for_region(region)}{digits}"
    digits = _without_trunk_zero(digits)
    if digits.startswith("0") or len(digits) > MAX_DIGITS:
        return None
    return f"+{digits}", f"+{digits:9<{MAX_DIGITS}}"


def national_digits(e164: str) -> str:
    """Return the digits of a stored number without its country code: what all spellings share."""
    return phonenumbers.national_significant_number(phonenumbers.parse(e164))


@lru_cache(maxsize=100)
def pattern_of(e164: str) -> re.Pattern[str]:
    """Return what finds a stored number in a text with plain digits, in any spelling, but in no
    longer number. Takes a time that grows with the text and no faster."""
    code = _GAP.join(str(phonenumbers.parse(e164).country_code))
    digits = _GAP.join(national_digits(e164))
    prefix = f"(?:0{_GAP}0{_GAP})?{code}{_GAP}(?:0{_GAP})?|0{_GAP}"
    return re.compile(rf"(?<!\d)(?:{prefix})?{digits}(?!\d)")


def with_plain_digits(text: str) -> str:
    """Return a text with ASCII digits for those of other scripts, also where JSON escapes them, and
    without invisible characters."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if text.isascii():
        return text
    text = _OTHER_DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), text)
    return _INVISIBLE.sub("", text)


def _read(raw: object, *, from_person: bool) -> tuple[str, bool]:
    """Return (`+…`, False), or (bare digits, True) if the number is national.

    A leading space is a lost `+`. From a bot it needs no rule, because its bare digits get a `+`
    anyway. From a person it is a copying slip and must not turn ` 812…` into a Japanese number.
    """
    text = _plain_text(raw)
    if found := _WHATSAPP.fullmatch(text):
        text, from_person = found[found.lastindex or 0], False  # WhatsApp's own form: international
    elif "@" in text:
        raise _invalid("is a group, channel, @lid or e-mail address, not …@c.us of one person")
    elif text.endswith(".0"):
        raise _invalid("was turned into a decimal by a spreadsheet or program (use text)")
    number = _TEL.sub("", text).translate(_FORMATTING)
    if not number:
        raise _invalid("is empty")
    if not _NUMBER.fullmatch(number):
        raise _invalid("has letters or signs that do not belong in one single number")
    if number.startswith("00"):
        number = f"+{number[2:]}"
    national = number.startswith(("0", "8") if from_person else "0")
    return (number, True) if national else (f"+{number.removeprefix('+')}", False)


def _plain_text(raw: object) -> str:
    """Return `raw` as text with ASCII digits and without invisible characters."""
    if type(raw) is int and 0 <= raw < 10 ** (MAX_DIGITS + 1):
        raw = str(raw)
    if not isinstance(raw, str):
        raise _invalid("is not text")
    if len(raw) > MAX_RAW_LENGTH:
        raise _invalid("is far too long")
    if not raw.isascii():
        raw = _INVISIBLE.sub("", unicodedata.normalize("NFKC", raw))
        raw = re.sub(r"\d", lambda digit: str(int(digit[0])), raw)
    return raw.strip(" \t\r\n'")  # the apostrophe: how spreadsheets mark text


@lru_cache(maxsize=10_000)
def _parse(number: str, region: str | None) -> str:
    try:
        parsed = phonenumbers.parse(number, region)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            raise _invalid("does not begin with a known country code") from None
        raise _invalid("has too few or too many digits") from None
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    # The library keeps the trunk zero if the number is too short without it, as in 0812345.
    dialable = phonenumbers.is_possible_number(parsed) and _without_trunk_zero(e164[1:]) == e164[1:]
    if not (dialable and re.fullmatch(E164, e164)):
        raise _invalid("has too few or too many digits for its country")
    return e164


def _without_trunk_zero(digits: str) -> str:
    """Return international `digits` without the trunk `0` (Hungary: `06`) dialled only nationally.

    Italy and others have no trunk prefix: their zero is part of the number.
    """
    for length in (1, 2, 3):
        code, rest = digits[:length], digits[length:]
        country = phonenumbers.region_code_for_country_code(int(code))
        if country != phonenumbers.UNKNOWN_REGION:
            trunk = phonenumbers.ndd_prefix_for_region(country, True) or ""
            return code + rest.removeprefix(trunk) if trunk.startswith("0") else digits
    return digits


def _invalid(problem: str) -> InvalidPhone:
    return InvalidPhone(f"The phone number {problem}: send it like +6281234567890.")
