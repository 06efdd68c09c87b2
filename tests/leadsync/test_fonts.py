"""The fonts hold all that pages show."""

from fontTools.ttLib import TTFont

from tests.fonts import ICONS, OURS, THEIRS, names_in_pages, names_of


def test_every_icon_that_a_page_names_is_in_the_font() -> None:
    ours, theirs = names_of(TTFont(OURS / ICONS)), names_of(TTFont(THEIRS / ICONS))

    missing = sorted(names_in_pages() & theirs.keys() - ours.keys())
    assert missing == [], "Run `make fonts`."
