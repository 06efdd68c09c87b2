"""A rule that is not closed takes all that follow with it, and no browser says so."""

import re
from pathlib import Path

import pytest
from django.conf import settings

FILES = sorted(
    file
    for app in ("contacts", "leadsync", "monitoring", "sarah")
    for file in (settings.BASE_DIR / app).glob("static/*/*.css")
)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_rule_of_a_stylesheet_is_closed(file: Path) -> None:
    text, depth = re.sub(r"(?s)/\*.*?\*/", "", file.read_text()), 0

    for number, line in enumerate(text.splitlines(), start=1):
        depth += line.count("{") - line.count("}")
        is_rule_in_rule_in_media = depth <= 3
        assert depth >= 0, f"line {number} closes too much"
        assert is_rule_in_rule_in_media, f"a rule above line {number} is not closed"
    assert depth == 0
