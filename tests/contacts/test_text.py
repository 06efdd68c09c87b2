"""What strangers typed, made harmless."""

import pytest

from contacts.text import clean_line, clean_text, is_harmful


@pytest.mark.parametrize(
    ("typed", "text", "line"),
    [
        ("Budi Santoso", "Budi Santoso", "Budi Santoso"),
        ("  Budi \t Santoso \n", "Budi \t Santoso", "Budi Santoso"),
        ("satu\r\ndua\n\ntiga", "satu\ndua\n\ntiga", "satu dua tiga"),
        ("Bu\x00di", "Budi", "Budi"),
        ("\x1b[31;1mBudi\x1b[0m", "Budi", "Budi"),
        ("Bu\x08\x7f\x9bdi", "Budi", "Budi"),
        ("Bu\ud800di\udfff", "Budi", "Budi"),
        ("Bu\ufffe\uffffdi", "Budi", "Budi"),
        ("\u202eidub\u202c", "idub", "idub"),
        ("Bu\u200b\u2066di\ufeff", "Budi", "Budi"),
        ("👩\u200d🍳 Ibu Sri", "👩\u200d🍳 Ibu Sri", "👩\u200d🍳 Ibu Sri"),
        ("Ж 李 é नमस्ते", "Ж 李 é नमस्ते", "Ж 李 é नमस्ते"),
        ("<b>&amp;</b> =1+1", "<b>&amp;</b> =1+1", "<b>&amp;</b> =1+1"),
        ("\x00\u200b ", "", ""),
    ],
)
def test_text_keeps_what_people_write_and_loses_what_breaks_a_database_or_a_page(typed, text, line):
    assert clean_text(typed) == text
    assert clean_line(typed) == line
    assert not is_harmful(text)


@pytest.mark.parametrize("typed", ["\x00", "\x1b[2J", "\x9f", "\ud800", "\uffff"])
def test_what_never_belongs_in_a_text_is_recognised(typed):
    assert is_harmful(f"Budi{typed}")


@pytest.mark.parametrize("typed", ["Budi\t\r\n", "👩\u200d🍳", "\u202eidub", "a\u0085b"])
def test_line_ends_joiners_and_directions_are_not_worth_a_warning(typed):
    assert not is_harmful(typed)
