"""`manage.py reconcile`: sync conversations whose lead has drifted."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from leadsync.management import base
from monitoring.models import RunTrigger
from monitoring.runs import run_reconciliation
from sarah.reconcile import Drift, reconcile


class Command(base.Command):
    help = (
        "Compare every conversation with its lead and retry those that drifted. Constant memory "
        "at any size; one run at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count the drift")

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        if dry_run:
            drift = Drift()
            for _batch in reconcile(drift, dry_run=True):
                pass
            self.stdout.write(f"Checked {drift.checked}: {drift.healed} would be healed.")
            return
        done = run_reconciliation(trigger=RunTrigger.COMMAND)
        if done is None:
            raise CommandError(
                "Another reconciliation is under way: let it finish. If it was killed, a new one "
                "can start after two minutes."
            )
        self.stdout.write(str(done))
        if done.failed:
            raise SystemExit(base.PROBLEMS_REMAIN)
