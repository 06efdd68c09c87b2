"""A wrong value in the environment stops the start and says which one it is and what is allowed."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

SETTINGS = Path(settings.BASE_DIR) / "leadsync" / "settings.py"
PRODUCTION = {"SECRET_KEY": "k" * 50, "DATABASE_URL": "sqlite:////tmp/unused.sqlite3"}


@pytest.fixture
def start(monkeypatch) -> Any:
    """Reads the settings in an environment that has nothing of ours but what is given."""

    def read(**environment: str) -> dict[str, Any]:
        for name in variables():
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(str(SETTINGS))

    return read


def variables() -> set[str]:
    """Every variable that the settings read."""
    return set(
        re.findall(r'(?:env\.\w+|flag|number|text|choice)\(\s*"(\w+)"', SETTINGS.read_text())
    )


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DEBUG", "maybe", "use one of 1/0, true/false, yes/no, on/off"),
        ("SECURE_SSL_REDIRECT", "2", "use one of 1/0, true/false, yes/no, on/off"),
        ("LEADSYNC_DB_DIRECT", "direct", "use one of 1/0, true/false, yes/no, on/off"),
        ("DATABASE_URL", "mysql://localhost/leads", "sqlite:// or postgres://"),
        ("DATABASE_URL", "leads.sqlite3", "sqlite:////absolute/path.sqlite3"),
        ("DATABASE_URL", "", "sqlite:////absolute/path.sqlite3"),
        ("DATABASE_URL", "postgres://localhost:port/leads", "postgres://user:password@host"),
        ("TIME_ZONE", "Asia/Bandung", "such as Asia/Jakarta"),
        ("LEADSYNC_TRUSTED_PROXIES", "one", "use a whole number"),
        ("LEADSYNC_TRUSTED_PROXIES", "-1", "greater than or equal to 0"),
        ("LEADSYNC_PROXY_SECRET", "too;short", "use 16 or more letters"),
        ("LEADSYNC_DB_POOL_SIZE", "0", "greater than or equal to 1"),
        ("LEADSYNC_MAX_FAILURES", "1e3", "use a whole number"),
        ("LEADSYNC_LOCK_TIMEOUT_MS", "60000", "less than or equal to 4000"),
        ("LEADSYNC_FAILED_AUTH_RATE", "lots", "use a rate such as 30/min"),
        ("LEADSYNC_DEFAULT_REGION", "Indonesia", "use two capital letters, such as ID or SG"),
        ("LEADSYNC_STATUS_BY_STATE", "new", "JSON"),
        ("LEADSYNC_LOG_LEVEL", "LOUD", "DEBUG, INFO, WARNING, ERROR"),
        ("LEADSYNC_LOG_FORMAT", "xml", "text, json"),
        ("LEADSYNC_METRICS_OPEN", "all", "use one of 1/0, true/false, yes/no, on/off"),
        ("LEADSYNC_ERASURE_KEY", "short", "use 32 or more random characters"),
        ("LEADSYNC_JOURNAL_DAYS", "0", "greater than or equal to 1"),
        ("LEADSYNC_JOURNAL_MAX_ROWS", "1M", "use a whole number"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    start: Any, name: str, value: str, allowed: str
) -> None:
    with pytest.raises(ImproperlyConfigured) as stopped:
        start(**PRODUCTION | {name: value})

    assert name in str(stopped.value)
    assert allowed in str(stopped.value)


def test_all_wrong_values_are_named_at_once(start: Any) -> None:
    with pytest.raises(ImproperlyConfigured) as stopped:
        start(**PRODUCTION, DEBUG="maybe", LEADSYNC_MAX_FAILURES="many")

    assert "DEBUG" in str(stopped.value)
    assert "LEADSYNC_MAX_FAILURES" in str(stopped.value)


def test_production_needs_a_secret_key(start: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is required when DEBUG is off"):
        start(SECRET_KEY="")


@pytest.mark.parametrize(
    "known", ["changeme", "only-for-development", "django-insecure-" + "x" * 50]
)
def test_production_does_not_start_with_a_key_that_others_know(start: Any, known: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="too short or well known"):
        start(SECRET_KEY=known)


def test_without_an_environment_it_is_safe(start: Any) -> None:
    values = start(SECRET_KEY="k" * 50)

    assert values["DEBUG"] is False
    assert values["SECURE_SSL_REDIRECT"] is True
    assert values["SECURE_PROXY_SSL_HEADER"] is None
    assert values["DATABASES"]["default"]["NAME"].endswith("var/leadsync.sqlite3")
    assert values["TIME_ZONE"] == "Asia/Jakarta"


@pytest.mark.parametrize("word", ["1", "true", "yes", "on"])
@pytest.mark.parametrize("name", ["DEBUG", "LEADSYNC_DB_DIRECT"])
def test_a_switch_understands_four_words(start: Any, name: str, word: str) -> None:
    assert start(**PRODUCTION | {name: word})[name] is True


@pytest.mark.parametrize(
    ("wanted", "formatter"), [("text", "DiscreetFormatter"), ("json", "JSONFormatter")]
)
def test_logs_are_for_people_or_for_programs(start: Any, wanted: str, formatter: str) -> None:
    logging = start(**PRODUCTION, LEADSYNC_LOG_FORMAT=wanted)["LOGGING"]

    assert logging["formatters"]["discreet"] == {"()": f"leadsync.infra.logs.{formatter}"}


@pytest.mark.parametrize(
    "url", ["postgres://leads@db:5433/leadsync", "postgresql://leads@db:5433/leadsync"]
)
def test_postgresql_is_pooled_and_its_password_optional(start: Any, url: str) -> None:
    database = start(**PRODUCTION | {"DATABASE_URL": url})["DATABASES"]["default"]

    assert (database["USER"], database["HOST"], database["PORT"]) == ("leads", "db", 5433)
    assert database["OPTIONS"]["pool"]["max_size"] == 8
    assert database["OPTIONS"]["tcp_user_timeout"] == 2000
    assert "prepare_threshold" not in database["OPTIONS"]


def test_the_example_lists_every_variable() -> None:
    example = (Path(settings.BASE_DIR) / ".env.example").read_text()

    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) == variables()


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("LEADSYNC_STATUS_BY_STATE", '{"greeting": "won"}', "qualified"),
        ("DEBUG", "maybe", "1/0, true/false, yes/no, on/off"),
    ],
)
def test_a_wrong_value_stops_a_command(name: str, value: str, allowed: str) -> None:
    environment = os.environ | PRODUCTION | {name: value}

    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        check=False,
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert name in last
    assert allowed in last


def test_what_the_server_writes_is_for_its_own_user_alone(start, tmp_path: Path) -> None:
    database, var = tmp_path / "leads.sqlite3", Path(settings.BASE_DIR) / "var"
    files = [database, Path(f"{database}-wal"), var]
    before = os.umask(0o022)
    try:
        for path in files[:2]:
            path.touch()
        var.chmod(0o755)
        start(**PRODUCTION | {"DATABASE_URL": f"sqlite:///{database}"})
        (tmp_path / "new").touch()
    finally:
        os.umask(before)

    assert [oct(path.stat().st_mode & 0o777) for path in files] == ["0o600", "0o600", "0o700"]
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0
