"""What no browser says of a stylesheet: a rule that is not closed, one that nothing uses."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from contacts.admin.desk.columns import COLUMNS

APPS = ("contacts", "leadsync", "monitoring", "sarah")
FILES = sorted(file for app in APPS for file in (settings.BASE_DIR / app).glob("static/*/*.css"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_rule_of_a_stylesheet_is_closed(file: Path) -> None:
    text, depth = re.sub(r"(?s)/\*.*?\*/", "", file.read_text()), 0

    for number, line in enumerate(text.splitlines(), start=1):
        depth += line.count("{") - line.count("}")
        is_rule_in_rule_in_media = depth <= 3
        assert depth >= 0, f"line {number} closes too much"
        assert is_rule_in_rule_in_media, f"a rule above line {number} is not closed"
    assert depth == 0


def test_every_class_of_a_stylesheet_is_used() -> None:
    made = re.compile(r"l[ds]-(at|is|tick)-.*|ls-(warning|fair)")  # put together in templates
    sources = "".join(
        file.read_text()
        for app in APPS
        for file in (settings.BASE_DIR / app).rglob("*")
        if file.suffix in (".html", ".py", ".js")
    )
    used = {*re.findall(r"l[ds]-[a-z0-9-]+", sources), *(f"ld-{name}" for name in COLUMNS)}

    for file in FILES:
        styled = set(re.findall(r"\.(l[ds]-[a-z0-9-]+)", file.read_text()))
        assert {name for name in styled - used if not made.fullmatch(name)} == set(), file.name
