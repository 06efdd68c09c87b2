"""`manage.py sync_worker`: run the background worker."""

import signal
from typing import Any

from django.core.management.base import CommandParser

from leadsync.management import base
from monitoring.jobs import worker as new_worker
from sarah.queue import OVERTAKEN


class Command(base.Command):
    help = (
        "Retry failed syncs when they are due, work what Kapso delivered, reconcile every hour, "
        "tell people about their leads, send alerts and delete what is too old, until SIGTERM or "
        "Ctrl-C. "
        "Any number of workers may run, on any number of machines. Without one, conversations "
        "that wait for a lead still sync as soon as it is added; the rest needs `resync`."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="do what is due now and exit, for cron"
        )

    def handle(self, *, once: bool, **options: Any) -> None:
        worker = new_worker()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, worker.stop)
        if not once:
            worker.run()
            return
        outcomes, results = worker.work_once()
        drift = results.get("reconciliation")
        summary = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
        if drift:
            self.stdout.write(f"Reconciled: {drift}")
        self.stdout.write(f"Retried {outcomes.total()} due conversations: {summary or 'none'}.")
        if set(outcomes) - {"synced", "excluded", OVERTAKEN} or (drift and drift.failed):
            raise SystemExit(base.PROBLEMS_REMAIN)
