"""`manage.py migrate`: Django's, beside traffic."""

import time
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate
from django.db import OperationalError, connection

from leadsync.infra.schema import impatient_migrations, lock_holders, was_locked_out
from leadsync.management import arguments

PAUSE = 2.0
"""Seconds in which bots come before the next try."""


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--patience",
            type=arguments.age,
            default=timedelta(minutes=30),
            metavar="AGE",
            help="how long to try again while somebody locks a table (default: 30m)",
        )

    def handle(self, *args: Any, patience: timedelta, **options: Any) -> None:
        if connection.vendor != "postgresql":
            super().handle(*args, **options)
            return
        deadline = time.monotonic() + patience.total_seconds()
        while not self._has_migrated(*args, **options):
            holders = ", ".join(lock_holders()) or "short transactions"
            if time.monotonic() > deadline:
                raise CommandError(
                    f"A table is locked by {holders}. End that, or run `migrate` again later: it "
                    "goes on where it stopped."
                )
            self.stderr.write(f"Waiting for a lock held by {holders}. Bots are not held up.")
            time.sleep(PAUSE)

    def _has_migrated(self, *args: Any, **options: Any) -> bool:
        """Migrate; returns False where somebody's lock is in the way."""
        try:
            with impatient_migrations():
                super().handle(*args, **options)
        except OperationalError as error:
            if was_locked_out(error):
                return False
            raise
        return True
