"""The benchmark says plainly what became slower, and names statements so that they are known."""

import pytest

from bench.baseline import differences
from bench.statements import in_short


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (2.0, "Nothing became slower or faster by a tenth."),
        (2.19, "Nothing became slower or faster by a tenth."),
        (2.21, "SLOWER: POST costs 2.21 floors, and cost 2.00."),
        (1.5, "faster: POST costs 1.50 floors, and cost 2.00."),
    ],
)
def test_what_differs_from_the_baseline_by_a_tenth_is_said(now: float, said: str) -> None:
    assert differences({"POST": now}, {"POST": 2.0}) == [said]


def test_what_the_baseline_does_not_know_is_new() -> None:
    assert differences({"GET": 1.5}, {}) == ["new: GET costs 1.50 floors."]


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ('SELECT "a"."b", "a"."c" FROM "a" WHERE "a"."b" = $1', "SELECT … FROM a WHERE a.b = $1"),
        ('UPDATE "a"\n  SET "b" = $1', "UPDATE a SET b = $1"),
        (f"INSERT INTO a VALUES ({'$1, ' * 90})", f"INSERT INTO a VALUES ({'$1, ' * 17}…"),
    ],
)
def test_a_statement_is_shown_by_its_beginning(sql: str, shown: str) -> None:
    assert in_short(sql) == shown
