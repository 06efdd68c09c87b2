"""`manage.py resync`: retry conversations."""

from collections import Counter
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandParser
from django.utils import timezone
from tqdm import tqdm

from contacts.addresses import read_address
from contacts.models import Workspace
from leadsync.management import base
from leadsync.management.arguments import age, person, workspace
from sarah.models import SarahState, SarahStateQuerySet
from sarah.retry import retry_each


class Command(base.Command):
    help = (
        "Retry the conversations that are out of sync, or all of them: one commit per lead, safe "
        "to interrupt and to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--all", action="store_true", help="also those that are in sync")
        parser.add_argument("--workspace", type=workspace, metavar="SLUG")
        parser.add_argument(
            "--phone", type=person, metavar="P", help="in any spelling, or a WhatsApp user id"
        )
        parser.add_argument(
            "--since", type=age, metavar="7d", help="only those with a message in this time"
        )
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        states = selected(
            everything=options["all"],
            workspace=options["workspace"],
            phone=options["phone"],
            since=options["since"],
        )
        total = states.count()
        if dry_run:
            self.stdout.write(f"Would retry {total} conversations.")
            return
        results = tqdm(retry_each(states), total=total, unit=" conversations", disable=None)
        outcomes = Counter(result.reason or "synced" for result in results)
        summary = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        self.stdout.write(f"Retried {total} conversations: {summary or 'nothing to do'}.")
        if set(outcomes) - {"synced", "excluded"}:
            raise SystemExit(base.PROBLEMS_REMAIN)


def selected(
    *, everything: bool, workspace: Workspace | None, phone: str | None, since: timedelta | None
) -> SarahStateQuerySet:
    """Return the conversations that the options select; by default all that are out of sync."""
    states = SarahState.objects.all() if everything else SarahState.objects.out_of_sync()
    if workspace:
        states = states.filter(workspace=workspace)
    if phone:
        states = states.of(read_address(phone))
    if since:
        states = states.active_since(timezone.now() - since)
    return states
