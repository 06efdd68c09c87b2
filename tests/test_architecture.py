"""Imports go one way, the sync state has one owner, signals are few, only guards catch all."""

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from weakref import ReferenceType

import pytest
from django.apps import apps
from django.db.models import Field, signals
from django.dispatch import Signal

from sarah.models.sync_queue import SyncStateQuerySet
from sarah.models.sync_state import SyncState
from sarah.signals import heal_for_contact, heal_for_workspace, sync_saved_state

ROOT = Path(__file__).parent.parent
APPS = ("contacts", "monitoring", "sarah", "leadsync")
LAYERS = {
    "leadsync.infra": "infra",
    "leadsync": "project",
    "contacts": "contacts",
    "monitoring.fairness": "log",
    "monitoring.kinds": "log",
    "monitoring.errors": "log",
    "monitoring.titles": "log",
    "monitoring.models.failures": "log",
    "monitoring.models.refused": "log",
    "monitoring.models.causes": "log",
    "monitoring": "watch",
    "sarah": "sarah",
}
"""By the longest beginning of a module's name. The log of failures knows nobody; what watches the
whole may import all."""
MAY_IMPORT = {
    "infra": {"infra"},
    "contacts": {"contacts", "infra"},
    "log": {"log", "infra"},
    "sarah": {"sarah", "contacts", "log", "infra"},
    "watch": {"watch", "project", "sarah", "contacts", "log", "infra"},
    "project": {"project", "contacts", "infra"},
}
ENTRY_POINTS = ("admin", "api", "dashboard", "management", "signals", "urls", "wsgi", "server")
"""They may import any app; no core module imports them."""
SYNC_STATE = {field.name for field in SyncState._meta.get_fields()} - {"contact", "revision"}
OWNERS = (SyncState.__module__, SyncStateQuerySet.__module__)
LOOKUPS = {"isnull", "in", "exact", "gt"}
GUARDS = {
    "sarah/sync.py": 2,  # the sync, of a saved conversation and of one that is being saved
    "sarah/guards.py": 2,  # the record of a failure; an item or a job of the worker
    "sarah/api/send_again.py": 1,  # one of several refused messages
    "sarah/journal.py": 1,  # a broken journal costs no message
    "sarah/receive.py": 2,  # the plain way; the second look
    "sarah/api/spooling.py": 3,  # the drainer; one message; one that breaks our code
    "sarah/api/views.py": 1,  # a message that is stored where it cannot be committed
    "monitoring/alerts/deliver.py": 1,  # an alert's delivery
    "leadsync/lane.py": 1,  # one of the requests that wait
}
"""What may catch everything: nothing there may cost a message, or stop the rest (STYLE 11)."""


def modules() -> dict[str, ast.Module]:
    """All of the product by dotted name, but for its migrations."""
    found = (path.relative_to(ROOT) for app in APPS for path in (ROOT / app).rglob("*.py"))
    return {
        ".".join(path.with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            (ROOT / path).read_text()
        )
        for path in sorted(found)
        if "migrations" not in path.parts
    }


MODULES = modules()
CORE = [
    name
    for name in MODULES
    if (name.split(".")[1:] or [""])[0] not in (*ENTRY_POINTS, "apps", "settings")
]


def layer_of(module: str) -> str:
    return LAYERS[max((known for known in LAYERS if f"{module}.".startswith(f"{known}.")), key=len)]


def imports(module: str) -> Iterator[str]:
    """The modules of ours that this one imports, but for type checking."""
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body.clear()
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: write imports in full"
            for name in node.names:
                full = f"{node.module}.{name.name}"
                yield full if full in MODULES else str(node.module)


@pytest.mark.parametrize("module", CORE)
def test_core_modules_import_one_way_and_no_entry_point(module: str):
    ours = [name for name in imports(module) if name.partition(".")[0] in APPS]

    assert {layer_of(name) for name in ours} <= MAY_IMPORT[layer_of(module)]
    assert not [name for name in ours if name in MODULES and name not in CORE]


def relations_upward(layer: str) -> tuple[set[str], set[str]]:
    """The names by which a layer's models could be followed to models that it may not import: from
    those that point at them, and to those that they point at."""
    backward, forward = set(), set()
    for model in apps.get_models():
        if model.__module__.partition(".")[0] not in APPS or layer_of(model.__module__) != layer:
            continue
        for relation in model._meta.get_fields():
            other = relation.related_model
            if not other or other.__module__.partition(".")[0] not in APPS:
                continue
            if layer_of(other.__module__) not in MAY_IMPORT[layer]:
                (forward if isinstance(relation, Field) else backward).add(relation.name)
    return backward, forward


@pytest.mark.parametrize(
    "module", [name for name in CORE if layer_of(name) in ("contacts", "log", "project")]
)
def test_no_core_module_follows_a_relation_upward(module: str):
    backward, forward = relations_upward(layer_of(module))

    followed = [
        text
        for node in ast.walk(MODULES[module])
        for text in [
            getattr(node, "arg", None) or (node.value if isinstance(node, ast.Constant) else None)
        ]
        if isinstance(text, str)
        and (
            text.partition("__")[0] in backward
            or (text.partition("__")[0] in forward and set(text.split("__")[1:]) - LOOKUPS)
        )
    ]
    reached = [
        node.attr
        for node in ast.walk(MODULES[module])
        if isinstance(node, ast.Attribute)
        and (
            node.attr in backward
            or (isinstance(node.value, ast.Attribute) and node.value.attr in forward)
        )
    ]
    assert not [*followed, *reached]


def test_the_layers_have_relations_that_could_be_followed():
    assert relations_upward("contacts")[0] >= {"conversations", "alerts", "api_keys"}
    assert relations_upward("log") == ({"updates"}, {"state", "key"})


@pytest.mark.parametrize("module", [name for name in MODULES if name not in OWNERS])
def test_only_its_owner_writes_the_sync_state(module: str):
    written = set()
    for node in ast.walk(MODULES[module]):
        match node:
            case ast.Call(func=ast.Attribute(attr="update" | "create"), keywords=keywords):
                written |= {keyword.arg for keyword in keywords}
            case ast.Call(func=ast.Name(id="SarahState"), keywords=keywords):
                written |= {keyword.arg for keyword in keywords}
            case ast.Attribute(attr=attribute, ctx=ast.Store()):
                written.add(attribute)
            case ast.Dict(keys=keys):
                written |= {key.value for key in keys if isinstance(key, ast.Constant)}

    assert not written & SYNC_STATE


@pytest.mark.parametrize(
    "module", ["contacts.phones", "contacts.names", "sarah.backoff", "leadsync.keys"]
)
def test_pure_modules_need_no_django(module: str):
    assert not [name for name in imports(module) if name.startswith(("django", *APPS))]


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
        f"{module.replace('.', '/')}.py"
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or {"Exception", "BaseException"} & set(ast.unparse(node.type).split())
        )
    )

    assert broad == GUARDS
