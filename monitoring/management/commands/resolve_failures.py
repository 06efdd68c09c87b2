"""`manage.py resolve_failures`: resolve open sync failures."""

from typing import Any

from django.core.management.base import CommandParser

from leadsync.management import base
from leadsync.management.arguments import note as note_type
from monitoring.management.selection import add_selection, is_whole_cause, operator, selected
from monitoring.models import FailureGroup
from sarah.resolve import resolve_cause, resolve_failures


class Command(base.Command):
    help = (
        "Mark open sync failures as resolved. Their conversations are no longer retried by "
        "themselves, but sync with the bot's next message. --group alone also marks the cause "
        "resolved."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_selection(parser)
        parser.add_argument(
            "--note", type=note_type, default="", metavar="TEXT", help="why, for your colleagues"
        )

    def handle(self, *, note: str, dry_run: bool, **options: Any) -> None:
        failures = selected(options)
        if dry_run:
            self.stdout.write(f"Would resolve {failures.count()} failures.")
            return
        by = operator()
        if is_whole_cause(options):
            causes = FailureGroup.objects.filter(pk=options["group"])
            resolved = sum(resolve_cause(cause, by=by, note=note) for cause in causes)
        else:
            resolved = resolve_failures(failures, by=by, note=note)
        self.stdout.write(f"Resolved {resolved} failures.")
