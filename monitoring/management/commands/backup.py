"""`manage.py backup`: make a backup of the database, for each night."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.template.defaultfilters import filesizeformat

from leadsync.management import arguments, base
from monitoring.backups import KEPT, BackupFailed, back_up


class Command(base.Command):
    help = (
        "Back up the database while it is in use, restore the backup once to try it, and delete "
        "the oldest. Operators are alerted if none was made for 26 hours after one. With "
        "PostgreSQL this needs its client programs, a direct connection and a role that may create "
        "databases (ALTER ROLE … CREATEDB)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        folder = settings.VAR_DIR / "backups"
        parser.add_argument("--folder", type=Path, default=folder, help="default: var/backups")
        parser.add_argument(
            "--keep", type=arguments.count, default=KEPT, metavar="N", help="default: %(default)s"
        )

    def handle(self, *, folder: Path, keep: int, **options: Any) -> None:
        try:
            made = back_up(folder, keep=keep)
        except (BackupFailed, OSError) as error:
            raise CommandError(f"There is no new backup. {error}") from error
        self.stdout.write(f"Backed up to {folder / made.file} ({filesizeformat(made.size)}).")
