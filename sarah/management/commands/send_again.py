"""`manage.py send_again`: send refused messages again."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from leadsync.management import base
from monitoring.management.selection import operator
from monitoring.models import RefusedBody
from sarah.api.send_again import send_each, tally


class Command(base.Command):
    help = (
        "Send refused messages, and those on which LeadSync failed, again, as they were sent: the "
        "oldest first, one commit each. Correct the key or the code before. What is received "
        "closes its failure; what is refused again stays, and you are told why. Messages of "
        "failures that somebody has resolved are left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "ids",
            nargs="*",
            type=int,
            default=[],
            metavar="ID",
            help="of failures whose messages are sent; by default all that are kept",
        )
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *, ids: list[int], dry_run: bool, **options: Any) -> None:
        kept = RefusedBody.objects.of_open_failures()
        if ids:
            kept = kept.filter(failure__in=ids)
        total = kept.count()
        if dry_run:
            self.stdout.write(f"Would send {total} messages again.")
            return
        reasons = send_each(kept, by=operator())
        sent = tally(
            Counter(tqdm(reasons, total=total, unit=" messages", disable=None)), asked=total
        )
        for why, count in sent.refused.most_common():
            self.stdout.write(f"{count} refused: {why}")
        self.stdout.write(
            f"Sent {total} messages again: {sent.received} received, "
            f"{sent.refused.total()} refused again."
        )
        if sent.refused:
            raise SystemExit(base.PROBLEMS_REMAIN)
