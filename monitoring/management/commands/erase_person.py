"""`manage.py erase_person`: erase everything about one person."""

import sys
from typing import Any

from django.core.management.base import CommandError, CommandParser

from contacts.erasure import made_with_other_keys
from leadsync.management import base
from leadsync.management.arguments import person as person_type
from monitoring.erasing import erase
from monitoring.people import count, person_with


class Command(base.Command):
    help = (
        "Erase everything about one person in all workspaces: lead, notes, history, conversation, "
        "messages, failures. A keyed hash of the phone and the time remain, so that nothing old "
        "brings the person back; a new message of theirs does, as of somebody new."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "identity",
            type=person_type,
            metavar="PHONE|BSUID",
            help="a phone in any spelling, or a WhatsApp user id",
        )
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument("--no-input", action="store_true", help="do not ask on a terminal")

    def handle(self, *, identity: str, dry_run: bool, no_input: bool, **options: Any) -> None:
        person = person_with(identity)
        known = count(person)
        for name, number in known.items():
            self.stdout.write(f"{number:>8} {name}")
        if dry_run:
            self.stdout.write(f"Would erase {known.total()} rows.")
            return
        if not no_input and sys.stdin.isatty() and input("Erase them for good? [yes/no] ") != "yes":
            raise CommandError("Nothing was erased.")
        try:
            erased = erase(identity)
        except OSError as error:
            text = f"Nothing was erased: the folder var/ cannot be written ({error.strerror})."
            raise CommandError(text) from error
        if others := made_with_other_keys():
            self.stderr.write(
                f"{others} earlier erasures were made with another key, and are not recognised "
                "here: set the same LEADSYNC_ERASURE_KEY on all machines."
            )
        self.stdout.write(f"Erased {erased.total()} rows.")
        if left := count(person):
            self.stderr.write(f"{left.total()} rows came in meanwhile: erase again.")
            raise SystemExit(base.PROBLEMS_REMAIN)
