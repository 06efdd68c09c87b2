"""`manage.py export_person`: everything about one person as one JSON file."""

import os
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from leadsync.management import base
from leadsync.management.arguments import person as person_type
from monitoring.people import count, export, person_with


class Command(base.Command):
    help = "Write everything that is known of one person, in all workspaces, as one JSON object."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "identity",
            type=person_type,
            metavar="PHONE|BSUID",
            help="a phone in any spelling, or a WhatsApp user id",
        )
        parser.add_argument(
            "--out", type=Path, metavar="FILE.json", help="a new file, for you only; else stdout"
        )

    def handle(self, *, identity: str, out: Path | None, **options: Any) -> None:
        if out is None:
            for part in export(identity):
                self.stdout.write(part, ending="")
        else:
            try:
                self._write(identity, out)
            except OSError as error:
                raise CommandError(f"Cannot write {out}: {error.strerror}.") from error
        self.stderr.write(f"Exported {count(person_with(identity)).total()} rows.", style_func=str)

    def _write(self, identity: str, out: Path) -> None:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.writelines(export(identity))
