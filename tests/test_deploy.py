"""What `deploy/` holds is taken by the programs it is for, as far as this machine has them."""

import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings
from django.core.management import get_commands

from leadsync.server import DRAIN
from leadsync.supervisor import STOP_TIMEOUT

DEPLOY = settings.BASE_DIR / "deploy"
CADDYFILE = (DEPLOY / "Caddyfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
UNITS = sorted(path.name for path in DEPLOY.glob("leadsync*"))
SERVICES = [name for name in UNITS if name.endswith(".service")]


def unit(name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, delimiters="=")
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / name)
    return parser


def seconds(duration: str) -> float:
    number, unit_of_time = re.fullmatch(r"(\d+)(ms|s|)", duration).groups()  # type: ignore[union-attr]
    return int(number) / (1000 if unit_of_time == "ms" else 1)


def only_with(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not shutil.which(program), reason=f"there is no {program}")


def run(*command: str, **options: Any) -> None:
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, timeout=300, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr


def commands() -> Iterator[str]:
    """All texts of the files that run a command of manage.py."""
    for path in DEPLOY.iterdir():
        yield from re.findall(r"manage\.py (\w+)", path.read_text())


def test_only_commands_that_exist_are_run() -> None:
    run_here = set(commands())

    assert run_here >= {"serve", "sync_worker", "migrate", "collectstatic", "backup"}
    assert run_here <= set(get_commands())


@pytest.mark.parametrize(
    "directive",
    [
        "encode zstd gzip",
        "max_size 2MB",
        "request_buffers 128KiB",
        "header_up -X_*",
        r'header_up Forwarded "for=\"{remote_host}\";proto={scheme};'
        'secret={$LEADSYNC_PROXY_SECRET}"',
        "lb_try_duration 15s",
    ],
)
def test_caddy_buffers_bounds_and_compresses_and_drops_forged_headers(directive: str) -> None:
    assert directive in [line.strip() for line in CADDYFILE.splitlines()]


def test_caddy_keeps_no_connection_that_a_server_that_ends_may_close() -> None:
    (kept,) = re.findall(r"keepalive (\w+)", CADDYFILE)

    assert seconds(kept) <= DRAIN / 2


@only_with("caddy")
def test_caddy_takes_the_caddyfile() -> None:
    version = subprocess.run(["caddy", "version"], check=True, capture_output=True, text=True)
    if re.match(r"v?2\.[0-6]\.", version.stdout):
        pytest.skip("Caddy is older than 2.7")
    run("caddy", "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile"))


def test_systemd_ends_the_group_in_good_order_and_starts_it_again() -> None:
    service = unit("leadsync.service")["Service"]

    assert service["ExecStart"].endswith("manage.py serve")
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert (service["KillMode"], service["Restart"]) == ("mixed", "always")
    assert seconds(service["TimeoutStopSec"]) > STOP_TIMEOUT


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_lets_a_service_write_nothing_but_its_own_data(name: str) -> None:
    service = unit(name)["Service"]

    assert service["User"] == "leadsync"
    assert (service["ProtectSystem"], service["UMask"]) == ("strict", "0077")
    assert service["ReadWritePaths"] == "/opt/leadsync/var"


@only_with("systemd-analyze")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / name).read_text()
        installed = text.replace("/opt/leadsync/.venv/bin/python", sys.executable)
        (tmp_path / name).write_text(installed)

    run("systemd-analyze", "verify", *UNITS, cwd=tmp_path)


@only_with("systemd-analyze")
@pytest.mark.parametrize("name", SERVICES)
def test_systemd_finds_little_that_a_service_could_do(name: str) -> None:
    unit_file = str(DEPLOY / name)

    run("systemd-analyze", "security", "--offline=true", "--threshold=20", unit_file)


def test_compose_runs_each_part_and_pgbouncer_as_an_option() -> None:
    services = COMPOSE["services"]

    assert set(services) == {
        *("caddy", "web", "worker", "migrate", "backup", "postgres", "pgbouncer")
    }
    assert [name for name in services if "profiles" in services[name]] == ["pgbouncer"]


@pytest.mark.parametrize("name", ["web", "worker", "backup"])
def test_compose_ends_in_good_order_what_may_write_only_its_own_data(name: str) -> None:
    service = COMPOSE["services"][name]

    assert service["init"] is True
    assert seconds(service["stop_grace_period"]) > STOP_TIMEOUT
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert "migrate" in service["depends_on"]


@pytest.mark.parametrize("name", ["migrate", "backup"])
def test_compose_migrates_and_backs_up_beside_pgbouncer(name: str) -> None:
    assert "@postgres:5432" in COMPOSE["services"][name]["environment"]["DATABASE_URL"]


def test_compose_dumps_with_the_version_of_its_server() -> None:
    (client,) = re.findall(r"postgresql-client-(\d+)", (DEPLOY / "Dockerfile").read_text())

    assert COMPOSE["services"]["postgres"]["image"].startswith(f"postgres:{client}-")


@only_with("docker")
def test_docker_takes_the_compose_file(tmp_path: Path) -> None:
    if subprocess.run(
        ["docker", "compose", "version"], check=False, capture_output=True
    ).returncode:
        pytest.skip("there is no docker compose")
    folder = tmp_path / "deploy"
    shutil.copytree(DEPLOY, folder)
    (tmp_path / ".env").touch()
    (folder / ".env").write_text(
        "POSTGRES_PASSWORD=secret\nLEADSYNC_DOMAIN=leads.example.com\n"
        "LEADSYNC_PROXY_SECRET=for-the-tests-0123\n"
    )

    run("docker", "compose", "--file", str(folder / "compose.yaml"), "config", "--quiet")
