"""Sends traffic and reports the outcomes, for `simulate` and `replay`."""

import argparse
import os
import sys
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from leadsync.management import base
from sarah.simulator.traffic import Tally, TrafficError, send

INTERRUPTED = 130
SLOWEST = 0.001


def positive_int(value: str) -> int:
    """Parse a whole number of at least 1; for argparse."""
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number above 0")
    return int(value)


def requests_per_second(value: str) -> float:
    """Parse a rate of at least SLOWEST; for argparse."""
    try:
        rate = float(value)
    except ValueError:
        rate = 0
    if not SLOWEST <= rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{value!r} is not a number of at least {SLOWEST}")
    return rate


def server_url(value: str) -> str:
    """Parse a server's URL and strip the slash at its end; for argparse."""
    try:
        url = urlsplit(value)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable or "@" in url.netloc or url.query or url.fragment:
        raise argparse.ArgumentTypeError(f"{value!r} is not like http://127.0.0.1:8000")
    return value.rstrip("/")


class SendingCommand(base.Command):
    """A command that sends traffic to a server, which need not be this installation."""

    requires_system_checks = ()
    is_replay = False
    """Whether what is sent was said before."""
    epilog = "Exit codes: 0 done; 1 could not run; 3 some requests were refused or not answered."

    def add_base_url(self, parser: argparse._ActionsContainer, *, required: bool = False) -> None:
        parser.add_argument(
            "--base-url",
            type=server_url,
            required=required,
            metavar="URL",
            help="send the requests to this server, e.g. http://127.0.0.1:8000",
        )

    def add_sending_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--key",
            help="the bot's key; the environment variable LEADSYNC_KEY is safer, "
            "because others on this machine can read a command line",
        )
        parser.add_argument(
            "--rate",
            type=requests_per_second,
            metavar="N",
            help="send at most N requests a second (default: as fast as the server answers)",
        )

    def send(self, traffic: Iterable[dict[str, Any]], *, total: int, options: dict) -> None:
        """Send the traffic; the last line on stdout summarizes the outcomes, whatever happens."""
        tally = Tally()
        replies = send(
            traffic,
            base_url=options["base_url"],
            key=_key(options["key"]),
            rate=options["rate"],
            is_replay=self.is_replay,
            secret=_secret(options.get("kapso_secret"), is_needed=bool(options.get("kapso"))),
        )
        try:
            with tqdm(replies, total=total, unit=" requests", disable=None) as progress:
                for reply in progress:
                    tally.add(reply)
        except TrafficError as error:
            if not tally.answered:
                raise CommandError(str(error)) from error
            self.stderr.write(str(error))
        except KeyboardInterrupt:
            self.stdout.write(f"{tally} Interrupted.")
            sys.exit(INTERRUPTED)
        self.stdout.write(str(tally))
        if tally.problems:
            sys.exit(base.PROBLEMS_REMAIN)


def _secret(given: str | None, *, is_needed: bool) -> str:
    secret = (given or os.environ.get("LEADSYNC_KAPSO_SECRET", "")).strip()
    if is_needed and not secret:
        raise CommandError(
            "The secret of the workspace's feed is missing: pass it with --kapso-secret or the "
            "environment variable LEADSYNC_KAPSO_SECRET. A new one is made on the workspace's page."
        )
    return secret


def _key(given: str | None) -> str:
    key = (given or os.environ.get("LEADSYNC_KEY", "")).strip()
    if not key:
        raise CommandError(
            "A key is missing. Create one with `manage.py create_bot NAME --role sarah` "
            "and pass it with --key or the environment variable LEADSYNC_KEY."
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise CommandError("The key has characters that no key has. Copy it again.")
    return key
