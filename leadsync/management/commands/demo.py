"""`make demo`: run a site with simulated conversations, for a first look."""

import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import requests
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.utils import timezone

from contacts.models import Contact, Workspace
from leadsync.bots import issue_key, revoke_keys
from leadsync.management import arguments
from sarah.models import KapsoFeed, SarahState
from sarah.simulator.conversations import phones, whatsapp_names
from sarah.simulator.deliveries import hides_number, user_id

HOST = "127.0.0.1"
DATABASE = settings.VAR_DIR / "demo.sqlite3"
ADMIN = "admin"
BOT = "sarah-demo"
CONVERSATIONS, SEED = 60, 1
UNKNOWN_EVERY = 8
"""One in this many people who write to Sarah is no lead, so that monitoring has something."""
START_TIMEOUT = 30


class Command(BaseCommand):
    help = (
        "Run a site with simulated conversations on this machine until Ctrl-C. "
        "Start it with `make demo`, which gives it a database of its own."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=arguments.port, default=8000, metavar="N", help="default: %(default)s"
        )

    def handle(self, *, port: int, **options: Any) -> None:
        refuse_other_databases()
        refuse_used_port(port)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _exit)
        call_command("migrate", verbosity=0)
        password = set_admin_password()
        key, secret = replace_key(), connect_kapso()
        is_new = not SarahState.objects.exists()
        if is_new:
            add_leads()
        connection.close()
        url = f"http://{HOST}:{port}"
        with running_server(port) as server:
            wait_until_healthy(url, server)
            if is_new:
                self.stdout.write(f"Sarah talks to {CONVERSATIONS} people:")
                call_command(
                    "simulate",
                    conversations=CONVERSATIONS,
                    seed=SEED,
                    base_url=url,
                    key=key,
                    kapso="default",
                    kapso_secret=secret,
                )
            self.stdout.write(summary(url, password, key))
            self.stdout.flush()  # a pipe or a file would show it only in the end
            server.wait()
            raise CommandError("The server stopped unexpectedly. Read what it printed above.")


def refuse_other_databases() -> None:
    """Refuse a database that somebody may use: the demo sets passwords and invents leads."""
    if settings.DATABASES["default"]["NAME"] != str(DATABASE):
        raise CommandError("The demo runs in its own database only. Start it with `make demo`.")


def refuse_used_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} cannot be used ({error.strerror}). "
                f"Choose another: make demo PORT={8001 if port == 8000 else 8000}"
            ) from error


def set_admin_password() -> str:
    """Set and return a new password each time: the old one cannot be printed again."""
    password = secrets.token_urlsafe(12)
    admin, _ = User.objects.get_or_create(username=ADMIN)
    admin.is_active = admin.is_staff = admin.is_superuser = True
    admin.set_password(password)
    admin.save()
    return password


def replace_key() -> str:
    revoke_keys(BOT)
    return issue_key(BOT, role="sarah")


def connect_kapso() -> str:
    workspace = Workspace.objects.get(slug="default")
    return KapsoFeed.objects.get_or_create(workspace=workspace)[0].secret


def _known_by(phone: str, number: int) -> dict[str, str]:
    """By number, or by id if the person hides it."""
    if hides_number(number):
        return {"business_scoped_user_id": user_id(number, seed=SEED)}
    return {"phone": phone}


def add_leads() -> None:
    """Add most of the people who will write to Sarah as leads, over the last four weeks."""
    workspace, now = Workspace.objects.get(slug="default"), timezone.now()
    names = whatsapp_names(CONVERSATIONS, seed=SEED)
    Contact.objects.bulk_create(
        (
            Contact(
                workspace=workspace,
                **_known_by(phone, number),
                whatsapp_name=names[number - 1],
                source="demo",
                created_at=now - timedelta(days=number * number % 29, minutes=number),
            )
            for number, phone in enumerate(phones(CONVERSATIONS, seed=SEED), start=1)
            if number % UNKNOWN_EVERY
        ),
        ignore_conflicts=True,  # left by a demo that was stopped before the first message
    )


@contextmanager
def running_server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Serve from a child process; it is stopped when the block ends, however that happens."""
    serve = [sys.executable, "manage.py", "serve", f"--host={HOST}", f"--port={port}"]
    server = subprocess.Popen(
        [*serve, "--workers=1"],
        cwd=settings.BASE_DIR,
        process_group=0,  # the terminal's Ctrl-C reaches the demo alone, which stops the server
    )
    try:
        yield server
    except KeyboardInterrupt:
        pass  # Ctrl-C is how one leaves the demo
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def wait_until_healthy(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    with requests.Session() as session:
        session.trust_env = False  # a proxy cannot reach this machine's loopback
        while time.monotonic() < deadline and server.poll() is None:
            try:
                if session.get(f"{url}/healthz", timeout=1).ok:
                    return
            except requests.RequestException:
                time.sleep(0.1)
    raise CommandError("The server does not start. Read what it printed above.")


def summary(url: str, password: str, key: str) -> str:
    phone = phones(1, seed=SEED)[0].removeprefix("+")
    return f"""
LeadSync runs on {url}/admin/

    user      {ADMIN}
    password  {password}
    bot key   {key}

Leads shows what Sarah learned. The dashboard tells of people who wrote to her and are no leads yet:
add them all with one click, and their failures heal by themselves.
Call the bot's endpoint yourself:

    curl -H "Authorization: Bearer {key}" "{url}/sarah/state?contact_phone={phone}"

Ctrl-C stops the demo. Its data stays in var/{DATABASE.name}; delete the file to start again.
"""


def _exit(number: int, frame: object) -> None:
    sys.exit(128 + number)
