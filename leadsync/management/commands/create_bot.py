"""`manage.py create_bot`: create a bot's account and a key for it."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from leadsync.bots import ROLES, BotError, issue_key
from leadsync.management import base
from leadsync.management.arguments import workspace


class Command(base.Command):
    help = (
        "Create a key for a bot, and the bot's account if needed. Prints only the key on stdout; "
        "it cannot be shown again. A bot has at most two valid keys: to replace one, create a new "
        "key, give it to the bot, then revoke the old one with revoke_bot_keys."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME", help="such as sarah-bot")
        parser.add_argument(
            "--role",
            required=True,
            choices=ROLES,
            help="sarah writes conversations; manager reads leads and failures; operator reads, "
            "retries and resolves failures",
        )
        parser.add_argument(
            "--workspace", type=workspace, metavar="SLUG", help="bind the key to this workspace"
        )

    def handle(self, *, name: str, role: str, workspace: Any, **options: Any) -> None:
        try:
            key = issue_key(name, role=role, workspace=workspace)
        except BotError as error:
            raise CommandError(str(error)) from error
        where = f"workspace {workspace.slug}" if workspace else "all workspaces"
        self.stderr.write(f"Key of {name} for {where}; it cannot be shown again:")
        self.stdout.write(key)
