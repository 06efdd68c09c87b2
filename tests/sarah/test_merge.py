"""What a message changes in a conversation as it is stored."""

from datetime import UTC, datetime, timedelta

import pytest

from sarah.merge import Merge, later_state, merge, merge_facts
from sarah.models import SarahState
from sarah.reading import read_message

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STORED = {
    "state": "handoff",
    "lead_score": 85,
    "lead_temperature": "hot",
    "extracted_data": {"name": "Budi", "goals": "", "pain_points": [], "team_size": 5},
    "language": "en",
    "message_count": 9,
    "last_message_at": NOW,
}


def told(**body: object) -> Merge:
    """What this message changes in the stored conversation."""
    return merge(SarahState(**STORED), read_message(body, now=NOW))


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ({}, {}),
        ({"state": None, "lead_score": None, "extracted_data": None, "message_count": None}, {}),
        ({**STORED, "last_message_at": NOW.isoformat()}, {}),
        ({"lead_score": 0, "state": "greeting"}, {"lead_score": 0, "state": "greeting"}),
        ({"lead_temperature": "cold"}, {"lead_temperature": "cold"}),
        ({"language": "id"}, {"language": "id"}),
        ({"message_count": 10}, {"message_count": 10}),
        ({"message_count": 50}, {"message_count": 50}),
        ({"message_count": 9, "lead_score": 20}, {"lead_score": 20}),
        (  # the order is told by the count, not by the bot's clock
            {"message_count": 9, "last_message_at": "2026-02-01T12:00:00Z"},
            {"last_message_at": NOW - timedelta(days=28)},
        ),
    ],
)
def test_what_is_sent_replaces_what_is_stored_and_the_rest_stays(body, changes):
    merged = told(**body)

    assert merged.values == changes
    assert (merged.problems, merged.is_late) == ({}, False)


@pytest.mark.parametrize(
    ("sent", "merged"),
    [
        ({"location": "Bandung"}, {"location": "Bandung"}),
        ({"name": "Ani", "team_size": 0}, {"name": "Ani", "team_size": 0}),
        ({"goals": "ramai", "pain_points": ["x"]}, {"goals": "ramai", "pain_points": ["x"]}),
        ({"name": "", "team_size": []}, {}),
        ({"name": None, "team_size": None}, {}),
        ({"budget": "", "tags": []}, {"budget": "", "tags": []}),
        ({"ready": False}, {"ready": False}),
    ],
)
def test_facts_are_merged_key_by_key_and_empty_ones_never_replace_a_value(sent, merged):
    facts = told(extracted_data=sent).values.get("extracted_data", STORED["extracted_data"])

    assert facts == {**STORED["extracted_data"], **merged}


@pytest.mark.parametrize(
    ("body", "changes"),
    [
        ({"state": "qualifying", "lead_score": 20, "lead_temperature": "cold"}, {}),
        ({"language": "id"}, {}),
        ({"lead_score": 100, "last_message_at": "2026-03-01T12:01:00Z"}, {}),
        ({"state": "completed", "lead_score": 0}, {"state": "completed"}),
        ({"extracted_data": {"name": "Halo", "team_size": 1, "pain_points": []}}, {}),
        ({"extracted_data": {"goals": "ramai", "location": "Bandung"}},
         {"extracted_data": {**STORED["extracted_data"], "goals": "ramai", "location": "Bandung"}}),
    ],
)  # fmt: skip
def test_a_late_message_fills_what_is_empty_and_moves_only_forward(body, changes):
    merged = told(message_count=8, **body)

    assert merged.values == changes
    assert (merged.problems, merged.is_late) == ({}, True)


def test_a_message_whose_count_cannot_be_read_is_not_late():
    merged = told(message_count="many", lead_score=20)

    assert (merged.values, merged.is_late) == ({"lead_score": 20}, False)


def test_no_message_is_late_for_a_new_conversation():
    merged = merge(SarahState(), read_message({"message_count": 0, "state": "scoring"}, now=NOW))

    assert (merged.values, merged.is_late) == ({"state": "scoring"}, False)


def test_true_is_not_one():
    stored = SarahState(extracted_data={"has_shop": 1})

    merged = merge(stored, read_message({"extracted_data": {"has_shop": True}}, now=NOW))

    assert merged.values["extracted_data"]["has_shop"] is True


def test_the_stored_facts_are_not_touched_by_merging():
    stored = {"name": "Budi"}

    merge_facts(stored, {"name": "Ani", "goals": "ramai"})

    assert stored == {"name": "Budi"}


def test_facts_over_100_keys_are_left_out_and_known_keys_still_change():
    stored = {f"key{number}": number for number in range(98)}

    merged, left_out = merge_facts(stored, {"key0": "new", "a": 1, "b": 2, "c": 3, "d": 4})

    assert merged == {**stored, "key0": "new", "a": 1, "b": 2}
    assert left_out == ["c", "d"]


@pytest.mark.parametrize("letter", ["x", "é", "🙏"])
def test_facts_over_64_kib_are_left_out_and_smaller_ones_still_come_in(letter):
    width = len(letter.encode())
    stored = {"a": letter * (40_000 // width), "b": 1}

    merged, left_out = merge_facts(
        stored, {"c": letter * (30_000 // width), "d": "small", "b": letter * (20_000 // width)}
    )

    assert merged == {**stored, "d": "small", "b": letter * (20_000 // width)}
    assert left_out == ["c"]


def test_a_fact_that_shrinks_makes_room():
    stored = {"a": "x" * 60_000}

    merged, left_out = merge_facts(stored, {"a": "x", "b": "y" * 60_000})

    assert (merged, left_out) == ({"a": "x", "b": "y" * 60_000}, [])


def test_what_there_is_no_room_for_is_named_to_the_bot():
    full = SarahState(extracted_data={f"key{number}": number for number in range(100)})

    merged = merge(full, read_message({"extracted_data": {"name": "Budi", "key0": 1}}, now=NOW))

    assert merged.values == {"extracted_data": {**full.extracted_data, "key0": 1}}
    assert list(merged.problems) == ["extracted_data.name"]


@pytest.mark.parametrize(
    ("state", "states_not_after_it"),
    [
        ("greeting", ["greeting"]),
        ("qualifying", ["greeting", "qualifying"]),
        ("scoring", ["greeting", "qualifying", "scoring"]),
        ("handoff", ["greeting", "qualifying", "scoring", "handoff"]),
        ("completed", ["greeting", "qualifying", "scoring", "handoff", "completed"]),
    ],
)
def test_the_later_of_two_states_is_the_one_further_on(state, states_not_after_it):
    for other in states_not_after_it:
        assert later_state(state, other) == later_state(other, state) == state
