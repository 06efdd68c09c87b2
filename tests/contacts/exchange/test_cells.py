"""What spreadsheet programs would run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contacts.exchange.cells import neutralised, restored

PIECES = st.sampled_from([*"=+-@'\t\r\n;, ", "\uff1d", "Budi", "1"])


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+6281234567890", "'+6281234567890"),
        ("-5 %", "'-5 %"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\r1", "'\r1"),
        ("\uff1d1", "'\uff1d1"),
        ("Budi;=HYPERLINK(A1)", "Budi;'=HYPERLINK(A1)"),
        ("goals:\n- more sales", "goals:\n'- more sales"),
        ("Budi", "Budi"),
        ("a=1, -b", "a=1, -b"),
        ("'quoted'", "'quoted'"),
        ("", ""),
    ],
)
def test_what_begins_like_a_formula_gets_an_apostrophe(typed: str, written: str) -> None:
    assert neutralised(typed) == written
    assert restored(written) == typed


@given(st.lists(PIECES, max_size=12).map("".join))
def test_every_text_comes_back_as_it_was(text: str) -> None:
    assert restored(neutralised(text)) == text
    assert not neutralised(text).startswith(tuple("=+-@\t\r\uff1d"))
