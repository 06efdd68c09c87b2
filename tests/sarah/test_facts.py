"""Which of the facts that Sarah gathered reach the lead, and under which names."""

import pytest

from sarah.facts import learned, read_number

EVERYTHING = {
    "name": "Budi",
    "business_type": "warung kopi",
    "team_size": 5,
    "pain_points": ["chat sering kelewat"],
    "goals": "buka cabang",
    "location": "Bandung",
    "business_duration": "3 tahun",
    "story": "Mulai dari garasi",
    "interest_motivation": "ingin libur",
    "priority": "tinggi",
    "urgency_level": "bulan ini",
    "closing_technique": "demo",
    "objection": "harga",
}


def test_the_name_and_the_twelve_facts_reach_the_lead():
    assert learned(EVERYTHING) == EVERYTHING


@pytest.mark.parametrize(
    ("sent", "reaches"),
    [
        ({"domisili": "Bandung"}, {"location": "Bandung"}),
        ({"tenure": "3 tahun"}, {"business_duration": "3 tahun"}),
        ({"objection_raised": "harga"}, {"objection": "harga"}),
        ({"closing_technique_used": "demo"}, {"closing_technique": "demo"}),
        ({"location": "", "domisili": "Bandung"}, {"location": "Bandung"}),
        ({"domisili": "Bandung", "location": ""}, {"location": "Bandung"}),
    ],
)
def test_a_fact_reaches_the_lead_under_its_other_name_too(sent, reaches):
    assert learned(sent) == reaches


@pytest.mark.parametrize(
    "key",
    [
        "lead_status", "status", "phone", "contact_phone", "email", "whatsapp_name", "workspace",
        "assigned_to", "owner", "opted_out", "staff_fields", "tags", "source", "language",
        "lead_score", "lead_temperature", "id", "pk", "created_at", "budget", "keys", "field",
    ],
)  # fmt: skip
def test_no_other_key_reaches_the_lead(key):
    assert learned({key: "archived"}) == {}


@pytest.mark.parametrize("key", EVERYTHING)
@pytest.mark.parametrize("empty", ["", [], {}, None])
def test_an_empty_fact_says_nothing(key, empty):
    assert learned({key: empty}) == {}


def test_a_team_of_nobody_is_a_value():
    assert learned({"team_size": 0}) == {"team_size": 0}


@pytest.mark.parametrize(
    ("stored", "reaches"),
    [
        ({"name": "B" * 300}, {"name": "B" * 200}),
        ({"goals": "g" * 6000}, {"goals": "g" * 5000}),
        ({"team_size": "five", "goals": "ramai"}, {"goals": "ramai"}),
        ({"pain_points": "lambat"}, {"pain_points": ["lambat"]}),
        ({"objection": {"a": 1}, "objection_raised": "harga"}, {"objection": "harga"}),
    ],
)
def test_facts_that_were_not_stored_by_the_endpoint_are_fitted_to_the_lead(stored, reaches):
    assert learned(stored) == reaches


@pytest.mark.parametrize(
    ("sent", "high", "read"),
    [
        ("1.000", 5000, 1000),
        ("1,000", 5000, 1000),
        ("66.667", 100, 67),
        ("2.500.000", 5_000_000, 2_500_000),
        ("12,5", 100, 13),
    ],
)
def test_a_thousand_is_written_with_a_dot_or_a_comma(sent, high, read):
    assert read_number(sent, low=0, high=high).value == read
