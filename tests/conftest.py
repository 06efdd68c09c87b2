"""The environment of the tests, set before anything reads the settings, and shared fixtures."""

import gc
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import get_ident
from types import SimpleNamespace
from typing import Any
from weakref import WeakSet

import environs

from tests.scratch import scratch

# What a developer has in the environment or in .env must not change a test's outcome. DATABASE_URL
# alone passes: the suite runs once per database.
environs.Env.read_env = lambda *args, **kwargs: True  # type: ignore[method-assign]
OURS = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "SECRET_KEY", "SECURE_SSL_REDIRECT", "TIME_ZONE")
for name in list(os.environ):
    if name in OURS or name.startswith(("LEADSYNC_", "EMAIL_")):
        del os.environ[name]
os.environ.update(
    DEBUG="1",  # development's defaults: no redirect to HTTPS, no static manifest
    DJANGO_ALLOW_ASYNC_UNSAFE="true",  # Playwright keeps an event loop in the tests' thread
    DJANGO_SETTINGS_MODULE="leadsync.settings",
    PYTEST_DEBUG_TEMPROOT=str(scratch()),
)

import django  # noqa: E402
import hypothesis  # noqa: E402
import pytest  # noqa: E402
from django.conf import settings  # noqa: E402
from django.core.cache import cache  # noqa: E402
from django.db import connections  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402
from django.db.backends.signals import connection_created  # noqa: E402
from django.test import TransactionTestCase  # noqa: E402
from django.utils import translation  # noqa: E402
from playwright.sync_api import BrowserContext, Locator, expect  # noqa: E402

django.setup()
# Nearly everything that tests make is freed without the collector, whose rounds through all of
# Django take a sixth of the time.
gc.freeze()
gc.set_threshold(100_000, 50, 100)
# Else the workers of pytest-xdist inherit it, and pytest-django reads the settings too early there.
del os.environ["DJANGO_SETTINGS_MODULE"]

from leadsync import outage  # noqa: E402
from leadsync.infra import clock, queries, spool  # noqa: E402
from leadsync.infra.waits import Patience  # noqa: E402
from leadsync.management.commands import migrate as migrate_command  # noqa: E402
from monitoring.alerts import machine  # noqa: E402
from monitoring.alerts.machine import GIB  # noqa: E402
from tests.bot import Bot  # noqa: E402
from tests.flush import MigratedRows  # noqa: E402
from tests.shelf import Shelf  # noqa: E402

IN_CI = os.environ.get("CI") == "true"

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if IN_CI else "local")


# Browser

# The shell, which draws no window, takes two thirds of the time.
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


PAGE_PATIENCE = 120_000
"""Milliseconds: a busy machine is no fault of a page."""
NEEDS_DATABASE = {"db", "transactional_db", "live_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--second-database",
        action="store_true",
        help="leave out what was the same on the first: tests of no database, and of the browser",
    )
    parser.addoption("--scenarios", action="store_true", help="run the scenarios, and no others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mark_by_fixtures(items)
    config.hook.pytest_deselected(items=[one for one in items if not is_wanted(one, config)])
    items[:] = [one for one in items if is_wanted(one, config)]


def is_wanted(item: pytest.Item, config: pytest.Config) -> bool:
    is_scenario = item.get_closest_marker("scenario") is not None
    if is_scenario != config.getoption("--scenarios"):
        return False
    return is_scenario or not config.getoption("--second-database") or asks_database(item)


SAYS_WHERE = ("one_database", "both_databases", "skipif")
"""What is skipped on some database has its reason. Of several the closest to a test holds."""


def asks_database(item: pytest.Item) -> bool:
    """Whether a test is about what the database does itself."""
    if item.get_closest_marker("browser"):
        return False
    for mark in item.iter_markers():
        if mark.name in SAYS_WHERE:
            return mark.name != "one_database"
    return bool(item.get_closest_marker("database"))


def mark_by_fixtures(items: list[pytest.Item]) -> None:
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if "browser" in fixtures:
            item.add_marker("browser")
        if item.get_closest_marker("django_db") or NEEDS_DATABASE & set(fixtures):
            item.add_marker("database")
        commits = any(mark.kwargs.get("transaction") for mark in item.iter_markers("django_db"))
        if commits or {"browser", "live_server", "transactional_db"} & set(fixtures):
            item.add_marker("slow")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    if not CHROMIUM:
        report = pytest.fail if IN_CI else pytest.skip
        report("NO BROWSER: apt-get install chromium, or set CHROMIUM to the path of one.")
    return {
        **browser_type_launch_args,
        "executable_path": CHROMIUM,
        "args": [
            "--no-sandbox",  # Chromium's sandbox refuses root
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--host-resolver-rules=MAP wa.me ~NOTFOUND",  # nothing leaves this machine
            "--renderer-process-limit=1",  # else another one is started in advance for each page
        ],
    }


expect.set_options(timeout=PAGE_PATIENCE)


@pytest.fixture
def context(context: BrowserContext) -> BrowserContext:
    context.set_default_timeout(PAGE_PATIENCE)
    return context


@pytest.fixture(scope="session", autouse=True)
def _scripts_before_clicks() -> Iterator[None]:
    """On a busy machine a test would press what no script listens to yet."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("click", "check", "uncheck"):
            act = getattr(Locator, name)

            def act_when_loaded(self: Locator, *args: Any, act: Any = act, **options: Any) -> None:
                self.wait_for()
                self.page.wait_for_load_state()
                act(self, *args, **options)

            patch.setattr(Locator, name, act_when_loaded)
        yield


# Fixtures of the apps' tests

settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast
settings.AXES_ENABLED = False  # its own tests switch it on; others log in without a password
# Else WhiteNoise looks through all static files whenever a test makes a client: 50 ms each time.
settings.WHITENOISE_AUTOREFRESH = True
settings.WHITENOISE_MAX_AGE = 3600  # else a browser asks for each of them again on every page
if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Nobody needs the tests' database after a power cut.
    settings.DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"
    folder = TemporaryDirectory(prefix="leadsync-tests-", dir=scratch())
    settings.DATABASES["default"]["TEST"]["NAME"] = Path(folder.name) / "test.sqlite3"
else:
    # A busy machine's threads wait long for a connection, which is no outage.
    settings.DATABASES["default"]["OPTIONS"]["connect_timeout"] = 120
    settings.DATABASES["default"]["OPTIONS"]["pool"]["timeout"] = 120

# How full this machine's disk is must not alarm the tests.
machine.disk_usage = lambda _folder: SimpleNamespace(total=100 * GIB, free=50 * GIB)  # type: ignore[assignment]


@pytest.fixture(scope="session")
def shelf(
    django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory, testrun_uid: str
) -> Iterator[Shelf]:
    mine = tmp_path_factory.getbasetemp()
    shelf = Shelf(mine.parent if "PYTEST_XDIST_WORKER" in os.environ else mine, run=testrun_uid[:8])
    yield shelf
    with django_db_blocker.unblock():
        shelf.clear()


@pytest.fixture(scope="session")
def _migrated_once(shelf: Shelf) -> Iterator[pytest.MonkeyPatch]:
    """To migrate takes four seconds: one process of a run does, the others take a copy."""
    migrate = migrate_command.Command.handle
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            migrate_command.Command,
            "handle",
            lambda *args, **options: shelf.take("today", lambda: migrate(*args, **options)),
        )
        yield patch


@pytest.fixture(scope="session")
def django_db_setup(
    _migrated_once: pytest.MonkeyPatch, django_db_setup: None, django_db_blocker: Any
) -> Iterator[None]:
    """Tests that commit are cleaned up after by MigratedRows; Django's own way is slow.

    Playwright's event loop gives tests another connection than the one that Django closes before it
    drops the database, so all are closed here.
    """
    _migrated_once.undo()
    opened: WeakSet[BaseDatabaseWrapper] = WeakSet()
    connection_created.connect(lambda connection, **_: opened.add(connection), weak=False)
    vars(connections["default"]).pop("_test_serialized_contents", None)
    with django_db_blocker.unblock(), pytest.MonkeyPatch.context() as patch:
        rows = MigratedRows()
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: rows.restore())
        yield
        for connection in opened:
            if connection._thread_ident == get_ident():
                connection.close()


@pytest.fixture
def bot(transactional_db: None) -> Bot:
    """Sarah's bot with a key for all workspaces; commits are real, as its promises are."""
    return Bot()


class Endless(Patience):
    @contextmanager
    def waits(self) -> Iterator[int]:
        yield 60_000


@pytest.fixture
def endless_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """For callers at once, who are threads of one process here and would be of many in production:
    however busy this machine is, none of them is to be stored for later."""
    monkeypatch.setattr("sarah.receive.patience", Endless())
    monkeypatch.setattr("sarah.api.views.WAITS_END_AFTER", 60)


@pytest.fixture(autouse=True)
def _forgotten_throttles() -> None:
    cache.clear()
    translation.deactivate()  # of the page that the test before asked for


@pytest.fixture(autouse=True)
def _own_spool(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has a spool of its own, made at its first use, and an outage of its own; what it
    changes counts at once."""
    settings.LEADSYNC_SPOOL_DIR = tmp_path / "spool"
    monkeypatch.setattr(outage, "_away_until", 0.0)
    monkeypatch.setattr(queries, "BELIEVED_FOR", 0.0)
    monkeypatch.setattr(outage, "_scopes", {})
    monkeypatch.setattr(outage, "_uncounted", spool.Refusals())
    monkeypatch.setattr(outage, "_written_at", {})
    monkeypatch.setattr(clock, "_difference", timedelta())
    monkeypatch.setattr(clock, "measure", lambda: None)  # it would end what time-machine pretends
    monkeypatch.setattr("sarah.receive.patience", Patience())
    monkeypatch.setattr("sarah.kapso.receive.EVERY", 0.0)
    monkeypatch.setattr("sarah.kapso.receive.SOON", 60.0)  # on a busy machine, too
