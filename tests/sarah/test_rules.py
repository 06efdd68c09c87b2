"""What a conversation changes at its lead."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from contacts.models import Contact, Workspace
from sarah.models import SarahState
from sarah.rules import changes_for, check_status_map, status_after

HEARD = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
TOLD = {
    "state": "greeting",
    "lead_score": 55,
    "lead_temperature": "warm",
    "language": "en",
    "extracted_data": {"name": "Budi", "team_size": 5, "pain_points": ["lambat"], "goals": "ramai"},
}
WRITTEN = {
    "lead_score": 55,
    "lead_temperature": "warm",
    "language": "en",
    "name": "Budi",
    "team_size": 5,
    "pain_points": ["lambat"],
    "goals": "ramai",
}
"""What a lead looks like after this was told."""


def lead(**fields: object) -> Contact:
    return Contact(**{"last_activity_at": HEARD, "phone": "+6281234567890", **fields})


def conversation(**fields: object) -> SarahState:
    return SarahState(**{"updated_at": HEARD, **fields})


def test_everything_told_is_written_to_a_new_lead():
    assert changes_for(lead(), conversation(**TOLD)) == WRITTEN


def test_nothing_is_written_where_nothing_changed():
    assert changes_for(lead(**WRITTEN), conversation(**TOLD)) == {}


@pytest.mark.parametrize(
    ("written", "told", "changes"),
    [
        ({}, {"extracted_data": {}}, {}),
        (WRITTEN, {**TOLD, "extracted_data": {}}, {}),
        (WRITTEN, {**TOLD, "extracted_data": {"goals": "", "pain_points": []}}, {}),
        (WRITTEN, {**TOLD, "extracted_data": {"team_size": 0}}, {"team_size": 0}),
        (WRITTEN, {**TOLD, "extracted_data": {"goals": "libur"}}, {"goals": "libur"}),
        ({}, {"extracted_data": {"name": "Halo kak"}}, {}),
        ({"name": "Budi"}, {"extracted_data": {"name": "Halo kak"}}, {}),
        ({"name": "Budi"}, {"extracted_data": {"name": "Budi Santoso"}}, {"name": "Budi Santoso"}),
        ({"name": "Halo kak"}, {"extracted_data": {"name": "Budi"}}, {"name": "Budi"}),
        ({"whatsapp_name": "budi99"}, {"extracted_data": {"name": "Budi"}}, {"name": "Budi"}),
        ({"lead_score": 90}, {"lead_score": 0}, {"lead_score": 0}),
        ({"lead_temperature": "hot"}, {"lead_temperature": "cold"}, {"lead_temperature": "cold"}),
        ({}, {"lead_score": 90, "lead_temperature": "cold"}, {"lead_score": 90}),
        ({}, {"extracted_data": {"lead_status": "converted", "phone": "+1"}}, {}),
    ],
)
def test_facts_are_never_erased_by_absence_and_scores_are_copied_as_they_are(
    written, told, changes
):
    assert changes_for(lead(**written), conversation(**told)) == changes


@pytest.mark.parametrize("held", WRITTEN)
def test_what_a_person_wrote_stays_and_the_rest_is_written(held):
    changes = changes_for(lead(staff_fields=[held]), conversation(**TOLD))

    assert changes == {name: value for name, value in WRITTEN.items() if name != held}


@pytest.mark.parametrize(
    ("state", "from_new", "from_qualified", "from_contacted", "from_converted"),
    [
        ("greeting", None, None, None, None),
        ("qualifying", "qualified", None, None, None),
        ("scoring", "qualified", None, None, None),
        ("handoff", "contacted", "contacted", None, None),
        ("completed", "converted", "converted", "converted", None),
    ],
)
def test_the_state_moves_the_status_forward_only(
    state, from_new, from_qualified, from_contacted, from_converted
):
    changes = [
        changes_for(lead(lead_status=status), conversation(state=state))
        for status in ("new", "qualified", "contacted", "converted")
    ]

    expected = (from_new, from_qualified, from_contacted, from_converted)
    assert changes == [{"lead_status": to} if to else {} for to in expected]


@pytest.mark.parametrize(
    ("moved", "is_moved"),
    [
        ({"moved_by_person_at": HEARD - SECOND}, True),
        ({"moved_by_person_at": HEARD}, False),
        ({"moved_by_person_at": HEARD + SECOND}, False),
        ({"moved_by_person_at": HEARD + SECOND, "status_changed_by": "sarah-bot"}, False),
        ({"status_changed_by": "sarah-bot", "status_changed_at": HEARD + SECOND}, True),
        ({"status_changed_by": "ani", "status_changed_at": HEARD - SECOND}, True),
        ({"status_changed_by": "ani", "status_changed_at": HEARD + SECOND}, False),
        (
            {
                "status_changed_by": "manager-bot",
                "status_changed_at": HEARD + SECOND,
                "moved_by_bot_at": HEARD + SECOND,
            },
            True,
        ),
    ],
)
def test_a_message_moves_the_status_only_if_it_is_younger_than_a_persons_last_move(moved, is_moved):
    changes = changes_for(
        lead(lead_status="qualified", **moved), conversation(state="handoff", lead_score=70)
    )

    assert changes == {"lead_score": 70} | ({"lead_status": "contacted"} if is_moved else {})


def test_a_status_that_a_person_named_as_held_still_moves_forward():
    changes = changes_for(lead(staff_fields=["lead_status"]), conversation(state="handoff"))

    assert changes == {"lead_status": "contacted"}


COLD = {"completed_cold": "archived"}


@pytest.mark.parametrize(
    ("of_installation", "of_workspace", "told", "status"),
    [
        ({}, None, {"state": "handoff"}, "contacted"),
        ({}, None, {"state": "completed", "lead_temperature": "cold"}, "converted"),
        ({"greeting": "qualified"}, None, {"state": "handoff"}, "contacted"),
        ({"handoff": "qualified"}, None, {"state": "handoff"}, "qualified"),
        ({"handoff": "qualified"}, {"handoff": "converted"}, {"state": "handoff"}, "converted"),
        ({"handoff": "qualified"}, COLD, {"state": "handoff"}, "qualified"),
        (COLD, None, {"state": "completed", "lead_temperature": "cold"}, "archived"),
        (COLD, None, {"state": "completed", "lead_temperature": "warm"}, "converted"),
        (COLD, None, {"state": "handoff", "lead_temperature": "cold"}, "contacted"),
        ({}, COLD, {"state": "completed", "lead_temperature": "cold"}, "archived"),
        (
            COLD,
            {"completed_cold": "qualified"},
            {"state": "completed", "lead_temperature": "cold"},
            "qualified",
        ),
    ],
)
def test_the_map_of_states_is_the_workspaces_else_the_installations_else_ours(
    settings, of_installation, of_workspace, told, status
):
    settings.LEADSYNC_STATUS_BY_STATE = of_installation
    check_status_map()

    assert status_after(
        conversation(workspace=Workspace(status_by_state=of_workspace), **told)
    ) == (status)


@pytest.mark.parametrize(
    "wrong",
    [
        ["new"],
        {"greeting": "won"},
        {"greeting": ["new"]},
        {"completed": "archived"},
        {"asleep": "new"},
    ],
)
def test_a_map_with_something_unknown_stops_the_start(settings, wrong):
    settings.LEADSYNC_STATUS_BY_STATE = wrong

    with pytest.raises(ImproperlyConfigured, match="LEADSYNC_STATUS_BY_STATE"):
        check_status_map()


@pytest.mark.parametrize(
    ("archived_at", "marked_at", "is_marked"),
    [
        (HEARD - SECOND, None, True),
        (HEARD, None, False),
        (HEARD + SECOND, None, False),
        (None, None, True),
        (None, HEARD - SECOND, False),
        (HEARD - 2 * SECOND, HEARD - SECOND, False),
        (HEARD - SECOND, HEARD - SECOND, True),
        (HEARD - SECOND, HEARD - 2 * SECOND, True),
    ],
)
def test_an_archived_lead_that_writes_again_keeps_its_status_and_is_marked_once(
    archived_at, marked_at, is_marked
):
    archived = lead(lead_status="archived", status_changed_at=archived_at, re_engaged_at=marked_at)

    changes = changes_for(archived, conversation(state="completed", lead_score=70))

    marked = {"re_engaged_at": HEARD} if is_marked else {}
    assert changes == {"lead_score": 70, **marked}


@pytest.mark.parametrize(
    ("silence", "score", "is_noted"),
    [
        (timedelta(), 70, False),
        (SECOND, 70, True),
        (SECOND, 0, False),
        (timedelta(minutes=1), 0, False),
        (timedelta(minutes=1) + SECOND, 0, True),
        (-timedelta(days=1), 70, False),
    ],
)
def test_activity_is_noted_with_a_change_or_after_a_minute(silence, score, is_noted):
    quiet = lead(last_activity_at=HEARD - silence)

    changes = changes_for(quiet, conversation(lead_score=score))

    assert ("last_activity_at" in changes) is is_noted
    assert changes.get("last_activity_at", HEARD) == HEARD


def test_the_bot_writing_is_not_us_reaching_out():
    changes = changes_for(lead(last_activity_at=HEARD - timedelta(days=9)), conversation(**TOLD))

    assert "last_contact_at" not in changes
