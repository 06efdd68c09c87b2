"""`manage.py serve`: run the web server and the background worker as one group."""

import argparse
import os
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from leadsync.management import arguments, base
from leadsync.server import BACKLOG
from leadsync.supervisor import Program, supervise
from monitoring.checks import check_proxy

AFTER_REQUESTS = ("nice", "-n", "5")
"""Who is waiting for an answer goes first."""


class Command(base.Command):
    help = (
        "Serve on an address, with the background worker beside it, until SIGTERM or Ctrl-C. What "
        "dies is started again. SIGHUP upgrades: what is installed now takes over as soon as it is "
        "ready, without a lost request; if it does not start, what runs goes on. "
        "Run `migrate` and `collectstatic` before, as `make serve` does."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        shown: dict[str, Any] = {"help": "default: %(default)s", "metavar": "N"}
        parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
        parser.add_argument("--port", type=arguments.port, default=8000, **shown)
        parser.add_argument("--workers", type=arguments.count, default=2, **shown)
        parser.add_argument("--threads", type=arguments.count, default=4, **shown)
        parser.add_argument(
            "--background-worker",
            action=argparse.BooleanOptionalAction,
            default=True,
            help="whether to run `sync_worker` as well (default: yes)",
        )

    def handle(self, *, background_worker: bool, **options: Any) -> None:
        for told in check_proxy(None):
            self.stderr.write(self.style.WARNING(f"{told.msg} {told.hint}"))
        os.chdir(settings.BASE_DIR)  # where `python -m` finds the server
        with listen(options["host"], options["port"]) as listener:
            programs = [web(listener, workers=options["workers"], threads=options["threads"])]
            if background_worker:
                manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
                command = [*AFTER_REQUESTS, *manage, "sync_worker"]
                programs.append(Program(name="worker", command=command))
            # Once the servers have closed it as well, new connections are refused at once, and the
            # proxy holds their requests until somebody listens again.
            supervise(programs, at_end=listener.close)


def listen(host: str, port: int) -> socket.socket:
    """Open the socket on which all web servers of this group accept, one after the other."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host}, port {port} ({error.strerror}). Is LeadSync running there "
            "already? SIGHUP upgrades it. Else choose another address."
        ) from error
    listener.setblocking(False)
    # What it accepts inherits this; else the kernel holds back answers for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def web(listener: socket.socket, *, workers: int, threads: int) -> Program:
    number = listener.fileno()
    options = [f"--listener={number}", f"--workers={workers}", f"--threads={threads}"]
    return Program(
        name="web server",
        command=[sys.executable, "-m", "leadsync.server", *options],
        inherits=[number],
        announces=True,
    )
