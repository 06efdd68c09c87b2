"""What of a body can be used, and what the bot is told about the rest."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from leadsync.infra.bodies import UnreadableBody, as_evidence, parse_body
from monitoring.sentences import TABLE
from sarah.reading import Message, read_message

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAX_COUNT = 2**31 - 1
STATES = ["greeting", "qualifying", "scoring", "handoff", "completed"]
TEMPERATURES = ["hot", "warm", "lukewarm", "cold"]


def read(**body: object) -> Message:
    message = read_message({"contact_phone": "+6281234567890", **body}, now=NOW)
    assert all(map(TABLE.knows, message.warnings.values())), "nobody could translate this"
    return message


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, dict | list) + max(map(depth, inner), default=0)


def nested(levels: int, *, bottom: object = "seen") -> object:
    """Objects and lists in each other, `levels` of them."""
    value = bottom
    for level in range(levels):
        value = {"deeper": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [
        *[("state", state, state) for state in STATES],
        *[("lead_temperature", temperature, temperature) for temperature in TEMPERATURES],
        *[("language", language, language) for language in ("id", "en")],
        ("lead_score", 0, 0),
        ("lead_score", 100, 100),
        ("lead_score", "85", 85),
        ("lead_score", " 85.0 ", 85),
        ("lead_score", 84.4, 84),
        ("lead_score", 84.5, 85),
        ("lead_score", "0.5", 1),
        ("message_count", 0, 0),
        ("message_count", "7", 7),
        ("message_count", MAX_COUNT, MAX_COUNT),
        ("last_message_at", "2026-03-01T11:59:58Z", NOW - timedelta(seconds=2)),
        ("last_message_at", "2026-03-01T19:00:00+07:00", NOW),
        ("last_message_at", "2026-03-01T12:00:00", NOW),
        ("last_message_at", "2026-03-01T12:05:00.000Z", NOW + timedelta(minutes=5)),
    ],
)
def test_a_field_that_can_be_read_without_loss_is_kept_without_a_word(field, sent, kept):
    message = read(**{field: sent})

    assert message.fields == {field: kept}
    assert type(message.fields[field]) is type(kept)
    assert message.warnings == {}


@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [
        ("lead_score", 101, 100),
        ("lead_score", -1, 0),
        ("lead_score", "250", 100),
        ("lead_score", 1e300, 100),
        ("lead_score", math.inf, 100),
        ("lead_score", -math.inf, 0),
        ("state", "handoff\u0000", "handoff"),
        ("message_count", -3, 0),
        ("message_count", MAX_COUNT + 1, MAX_COUNT),
        ("message_count", 10**30, MAX_COUNT),
        ("last_message_at", "2026-03-01T12:05:01Z", NOW),
        ("last_message_at", "2999-01-01T00:00:00Z", NOW),
    ],
)
def test_a_field_that_is_out_of_bounds_or_dirty_is_brought_back_with_a_warning(field, sent, kept):
    message = read(**{field: sent})

    assert message.fields == {field: kept}
    assert list(message.warnings) == [field]


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        *[(field, sent) for field in ("state", "language") for sent in ("dancing", "", 5, [], {})],
        *[("lead_temperature", sent) for sent in ("boiling", "", True, ["hot"], {"hot": 1})],
        *[("lead_score", sent) for sent in ("many", "", "1e3", "NaN", True, [85], {}, math.nan)],
        *[("message_count", sent) for sent in ("three", "", False, [], {}, math.nan)],
        *[("last_message_at", sent) for sent in ("yesterday", "", 1772366400, True, [], {})],
        ("last_message_at", "2026-02-30T00:00:00Z"),
        ("last_message_at", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_field_that_cannot_be_used_is_left_out_and_the_rest_is_kept(field, sent):
    others = {"state": "handoff", "lead_score": 85, "language": "en"}
    others.pop(field, None)

    message = read(**others, extracted_data={"name": "Budi"}, **{field: sent})

    assert message.fields == others
    assert message.facts == {"name": "Budi"}
    assert list(message.warnings) == [field]


def test_absent_and_null_fields_say_nothing():
    nothing = dict.fromkeys(
        ("workspace_id", "state", "lead_score", "lead_temperature", "extracted_data", "language",
         "message_count", "last_message_at")
    )  # fmt: skip

    for message in (read(), read(**nothing), read(extracted_data={"name": None, "budget": None})):
        assert (message.fields, message.facts, message.workspace_ref) == ({}, {}, "")
        assert message.warnings == {}


@pytest.mark.parametrize(
    ("sent", "ref", "is_usable"),
    [
        ("kopi-kita", "kopi-kita", True),
        (" kopi-kita ", "kopi-kita", True),
        ("106540352242922", "106540352242922", True),
        (106540352242922, "106540352242922", True),
        ("", "", True),
        ({"slug": "kopi-kita"}, "", False),
        (True, "", False),
    ],
)
def test_a_workspace_is_named_by_a_text_or_a_number(sent, ref, is_usable):
    message = read(workspace_id=sent)

    assert message.workspace_ref == ref
    assert list(message.warnings) == ([] if is_usable else ["workspace_id"])


@pytest.mark.parametrize(
    ("key", "sent", "kept"),
    [
        ("name", "Budi Santoso", "Budi Santoso"),
        ("name", "  Ibu\u00a0Sri 🙏 ", "Ibu Sri 🙏"),
        ("name", "", ""),
        ("team_size", 5, 5),
        ("team_size", 0, 0),
        ("team_size", "5", 5),
        ("team_size", "", ""),
        ("pain_points", ["lambat", "admin cuma satu"], ["lambat", "admin cuma satu"]),
        ("pain_points", "chat sering kelewat", ["chat sering kelewat"]),
        ("pain_points", [], []),
        ("goals", "omzet naik\nbuka cabang", "omzet naik\nbuka cabang"),
        ("domisili", "Bandung", "Bandung"),
        ("budget", 2_500_000, 2_500_000),
        ("budget", {"min": 1.5, "max": None, "firm": False}, {"min": 1.5, "firm": False}),
        ("wants_demo", False, False),
        ("tags", ["a", {"b": [1]}], ["a", {"b": [1]}]),
        ("nested", nested(19), nested(19)),
    ],
)  # fmt: skip
def test_a_fact_that_can_be_read_without_loss_is_kept_without_a_word(key, sent, kept):
    message = read(extracted_data={key: sent})

    assert message.facts == {key: kept}
    assert message.warnings == {}


@pytest.mark.parametrize(
    ("key", "sent", "kept"),
    [
        ("name", "Bu\x00di\x1b[31m", "Budi"),
        ("name", "Budi\ud800", "Budi"),
        ("name", "B" * 300, "B" * 200),
        ("goals", "ramai\x00", "ramai"),
        ("goals", "g" * 6000, "g" * 5000),
        ("team_size", -2, 0),
        ("team_size", 2**40, MAX_COUNT),
        ("pain_points", ["lambat\x00", 5, {}, None], ["lambat", "5"]),
        ("pain_points", ["p" * 600], ["p" * 500]),
        ("pain_points", [f"p{number}" for number in range(60)], [f"p{n}" for n in range(50)]),
        ("story", ["satu", "dua\x07"], "satu, dua"),
        ("budget", "murah\x00", "murah"),
        ("budget", {"m\x00in": 1, "k" * 300: 2}, {"min": 1, "k" * 100: 2}),
        ("budget", {"min": math.nan, "max": [math.inf, 5]}, {"max": [5]}),
        ("note", "n" * 20_000, "n" * 10_000),
    ],
)
def test_a_fact_that_is_harmful_or_too_long_is_cleaned_and_cut_with_a_warning(key, sent, kept):
    message = read(extracted_data={key: sent})

    assert message.facts == {key: kept}
    assert list(message.warnings) == [f"extracted_data.{key}"]


@pytest.mark.parametrize(
    ("key", "sent"),
    [
        ("name", {"first": "Budi"}),
        ("name", True),
        ("team_size", "a few"),
        ("team_size", [5]),
        ("pain_points", 7),
        ("pain_points", {"first": "slow"}),
        ("budget", math.nan),
        ("budget", -math.inf),
    ],
)
def test_a_fact_that_cannot_be_used_is_left_out_and_the_others_are_kept(key, sent):
    message = read(extracted_data={key: sent, "location": "Bandung"})

    assert message.facts == {"location": "Bandung"}
    assert list(message.warnings) == [f"extracted_data.{key}"]


@pytest.mark.parametrize("sent", ["name: Budi", ["name", "Budi"], 5, True, []])
def test_facts_that_are_no_object_are_left_out(sent):
    message = read(state="handoff", extracted_data=sent)

    assert (message.fields, message.facts) == ({"state": "handoff"}, {})
    assert list(message.warnings) == ["extracted_data"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [({"": "x"}, {}), ({"\x00": "x"}, {}), ({"k" * 300: "x"}, {"k" * 100: "x"}),
     ({"bud\x00get": 5}, {"budget": 5})],
)  # fmt: skip
def test_a_key_that_cannot_be_stored_as_it_is_gives_a_warning(sent, kept):
    message = read(extracted_data={**sent, "name": "Budi"})

    assert message.facts == {**kept, "name": "Budi"}
    assert len(message.warnings) == 1


@pytest.mark.parametrize("levels", [20, 21, 60, 500])
def test_what_is_nested_deeper_than_20_is_left_out(levels):
    sent = {"deep": nested(levels), "also": {"deep": nested(levels), "flat": 1}, "name": "Budi"}

    message = read(extracted_data=sent)

    assert depth(message.facts) == 20
    assert message.facts["name"] == "Budi"
    assert message.facts["also"] == {"deep": message.facts["also"]["deep"], "flat": 1}
    assert set(message.warnings) == {"extracted_data.deep", "extracted_data.also"}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"contact_phone": "+62812", "extracted_data": {"name": "Budi"}}',
        '\ufeff{"contact_phone": "+62812", "extracted_data": {"name": "Budi"}}'.encode(),
        '{"contact_phone": "+62812", "extracted_data": {"name": "Budi"}}'.encode("utf-16"),
        b' \r\n{"contact_phone":"+1","contact_phone":"+62812","extracted_data":{"name":"Budi"}}\n',
    ],
)
def test_a_json_object_is_read_in_every_encoding_that_json_knows(raw):
    assert parse_body(raw) == {"contact_phone": "+62812", "extracted_data": {"name": "Budi"}}


@pytest.mark.parametrize(
    "raw",
    [b"", b"null", b"[]", b'"text"', b"5", b"NaN", b"{", b"{}{}", b"contact_phone=%2B62812",
     b'{"name": "\xff"}', b"\x00", b"[" * 30_000, b'{"a":' * 20_000],
)  # fmt: skip
def test_what_is_no_json_object_is_refused_with_a_sentence(raw):
    with pytest.raises(UnreadableBody, match=r"^The body is .*\.$"):
        parse_body(raw)


@pytest.mark.parametrize(("digits", "kept"), [("9" * 5000, 100), ("-" + "9" * 5000, 0)])
def test_a_number_of_thousands_of_digits_is_out_of_bounds_like_any_other(digits, kept):
    body = parse_body(
        f'{{"lead_score": {digits}, "extracted_data": {{"budget": {digits}}}}}'.encode()
    )

    message = read_message(body, now=NOW)

    assert (message.fields, message.facts) == ({"lead_score": kept}, {})
    assert set(message.warnings) == {"lead_score", "extracted_data.budget"}


def test_nothing_that_is_kept_needs_more_than_plain_json():
    message = read(extracted_data={"a": [1e308, 10**39, -0.0, "\ud83d\ude00"], "b": {"\udc00": 1}})

    json.dumps(message.facts, allow_nan=False, ensure_ascii=False).encode()


def test_a_body_goes_on_record_with_its_digest_and_as_much_text_as_there_is_room_for():
    raw = b'{"name": "\x00\xff' + b"x" * 10_000

    short, long = as_evidence(raw, limit=100), as_evidence(raw + b"y", limit=100)

    assert short["payload"]["body"] == '{"name": "\ufffd' + "x" * 88
    assert short["payload"] == long["payload"]
    assert short["fingerprint"] != long["fingerprint"]
    assert len(short["fingerprint"]) == 64
