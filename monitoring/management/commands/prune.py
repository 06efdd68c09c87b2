"""`manage.py prune`: delete what is too old to keep."""

from argparse import ArgumentTypeError
from collections import Counter
from typing import Any

from django.core.management.base import CommandParser

from leadsync.management import base
from monitoring.pruning import prunable, prune


def days(typed: str) -> int:
    """Parse a number of days, 1 to 3650; for argparse."""
    if not typed.isdecimal() or not 1 <= int(typed) <= 3650:
        raise ArgumentTypeError(f"{typed!r} is not a number of days from 1 to 3650")
    return int(typed)


class Command(base.Command):
    help = (
        "Delete what is too old to keep, in small commits: messages in the journal (see "
        "LEADSYNC_JOURNAL_DAYS and LEADSYNC_JOURNAL_MAX_ROWS), refused messages after 7 days, and "
        "after 90 days finished "
        "reconciliations, recovered alerts, and causes without any failure or message left. The "
        "worker does this every hour. Leads, conversations and failures stay."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count")
        parser.add_argument(
            "--days", type=days, metavar="N", help="delete all that is older than N days"
        )

    def handle(self, *, dry_run: bool, days: int | None, **options: Any) -> None:
        if dry_run:
            self.stdout.write(f"Would delete {in_words(prunable(days=days))}.")
        else:
            self.stdout.write(f"Deleted {in_words(prune(days=days))}.")


def in_words(counts: Counter[str]) -> str:
    """Render counts as “3 alerts, 12 workers”, or “nothing”."""
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
