"""Imports go one way, signals are few, and nothing is caught broadly but in the guards."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from weakref import ReferenceType

import pytest
from django.db.models import signals
from django.dispatch import Signal

from sarah.signals import heal_for_contact, heal_for_workspace, sync_saved_state

ROOT = Path(__file__).parent.parent
APPS = ("contacts", "monitoring", "sarah", "leadsync")
MAY_IMPORT = {
    "contacts": {"contacts"},
    "monitoring": {"monitoring"},
    "sarah": {"sarah", "contacts", "monitoring"},
}
ENTRY_POINTS = ("admin", "api", "management", "signals")
GUARDS = {
    "sarah/sync.py": 2,  # the sync, and the record of its failure
    "sarah/journal.py": 1,
    "monitoring/delivery.py": 1,  # an alert's delivery
    "sarah/background.py": 1,  # an item or a chore of the worker
}
"""What may catch everything: in the first two nothing may cost a message, in the others one broken
item must not stop the rest (STYLE 11)."""


def modules(*apps: str) -> list[Path]:
    found = (path for app in apps for path in (ROOT / app).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def is_entry_point(path: Path) -> bool:
    return path.relative_to(ROOT).parts[1].removesuffix(".py") in ENTRY_POINTS


def imports(path: Path) -> Iterator[str]:
    """The modules that this one imports, but for type checking and when its app is set up."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body.clear()
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: write imports in full"
            yield from (f"{node.module}.{name.name}" for name in node.names)


CORE = [
    path for path in modules(*MAY_IMPORT) if not is_entry_point(path) and path.name != "apps.py"
]


@pytest.mark.parametrize("path", CORE, ids=lambda path: str(path.relative_to(ROOT)))
def test_core_modules_import_one_way_and_no_entry_point(path: Path):
    app = path.relative_to(ROOT).parts[0]

    ours = [name.split(".") for name in imports(path) if name.split(".")[0] in APPS]

    assert {name[0] for name in ours} <= MAY_IMPORT[app]
    assert not [name for name in ours if name[1] in ENTRY_POINTS]


@pytest.mark.parametrize(
    "path",
    [ROOT / "contacts" / "phones.py", ROOT / "sarah" / "retries.py", ROOT / "leadsync" / "keys.py"],
    ids=lambda path: path.name,
)
def test_pure_modules_need_no_django(path: Path):
    assert not [name for name in imports(path) if name.startswith(("django", *APPS))]


def test_there_are_three_receivers_and_they_are_in_one_place():
    connected = [
        entry[1]() if isinstance(entry[1], ReferenceType) else entry[1]
        for signal in vars(signals).values()
        if isinstance(signal, Signal)
        for entry in signal.receivers
    ]

    ours = {receiver for receiver in connected if receiver.__module__.partition(".")[0] in APPS}
    assert ours == {sync_saved_state, heal_for_contact, heal_for_workspace}


def test_only_the_named_guards_catch_everything():
    broad = Counter(
        str(path.relative_to(ROOT))
        for path in modules(*APPS)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or {"Exception", "BaseException"} & set(ast.unparse(node.type).split())
        )
    )

    assert broad == GUARDS
