"""Closes sync failures by hand."""

import getpass
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from leadsync.management import base
from leadsync.management.arguments import age, phone
from monitoring.kinds import Kind
from monitoring.models import Source, SyncFailure, SyncFailureQuerySet


class Command(base.Command):
    help = (
        "Mark open sync failures as resolved. Their conversations are not retried by themselves "
        "any more, but sync with the bot's next message."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="*", type=int, default=[], metavar="ID")
        parser.add_argument("--source", choices=Source.values)
        parser.add_argument("--kind", choices=Kind.values)
        parser.add_argument("--phone", type=phone, metavar="P", help="in any spelling")
        parser.add_argument(
            "--older-than", type=age, metavar="7d", help="only those not seen for this long"
        )
        parser.add_argument("--all", action="store_true", help="every open failure")
        parser.add_argument("--note", default="", metavar="TEXT", help="why, for your colleagues")
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *, note: str, dry_run: bool, **options: Any) -> None:
        failures = selected(**{name: options[name] for name in SELECTION})
        if dry_run:
            self.stdout.write(f"Would resolve {failures.count()} failures.")
            return
        resolved = failures.resolve(by=operator(), note=note)
        self.stdout.write(f"Resolved {resolved} failures.")


def operator() -> str:
    """Who runs the command; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"


SELECTION = ("ids", "source", "kind", "phone", "older_than", "all")


def selected(**options: Any) -> SyncFailureQuerySet:
    """The open failures that the arguments choose; without any argument it refuses."""
    if not any(options.values()):
        raise CommandError(
            "Say which: IDs, --source, --kind, --phone, --older-than, or --all for every one."
        )
    failures = SyncFailure.objects.open()
    if options["ids"]:
        failures = failures.filter(pk__in=options["ids"])
    if options["source"]:
        failures = failures.filter(source=options["source"])
    if options["kind"]:
        failures = failures.filter(kind=options["kind"])
    if options["phone"]:
        failures = failures.filter(contact_phone=options["phone"])
    if options["older_than"]:
        failures = failures.last_seen_before(timezone.now() - options["older_than"])
    return failures
