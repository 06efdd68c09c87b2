"""`manage.py revoke_bot_keys`: revoke a bot's keys."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from leadsync.bots import revoke_keys
from leadsync.management import base


class Command(base.Command):
    help = "Revoke a bot's keys. From then on, requests with them are refused with 401."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="such as sarah-bot")
        parser.add_argument(
            "--prefix", default="", help="only the keys that begin with this, such as ls_a1b2c3d"
        )

    def handle(self, *, name: str, prefix: str, **options: Any) -> None:
        revoked = revoke_keys(name, prefix=prefix)
        if not revoked:
            raise CommandError(
                f"{name} has no key to revoke, or they are revoked already. "
                "Check the name and --prefix."
            )
        self.stdout.write(f"Revoked {revoked} keys of {name}; they are refused within 2 seconds.")
