"""Which moves of a lead's status a bot may make."""

from itertools import product

import pytest

from contacts.workflow import LeadStatus, is_forward

FORWARD = {
    ("new", "qualified"),
    ("new", "contacted"),
    ("new", "converted"),
    ("qualified", "contacted"),
    ("qualified", "converted"),
    ("contacted", "converted"),
    ("new", "archived"),
    ("qualified", "archived"),
    ("contacted", "archived"),
}


@pytest.mark.parametrize(("current", "proposed"), [*product(LeadStatus.values, repeat=2)])
def test_a_bot_moves_a_lead_only_forward_and_never_out_of_the_archive(current, proposed):
    assert is_forward(current, proposed) is ((current, proposed) in FORWARD)


def test_a_status_that_nobody_knows_is_no_move():
    assert not is_forward("new", "won")
    assert not is_forward("lost", "qualified")
