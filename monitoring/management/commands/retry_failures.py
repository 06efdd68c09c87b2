"""`manage.py retry_failures`: retry the conversations of open sync failures."""

from collections import Counter
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from leadsync.management import base
from monitoring.management.selection import add_selection, operator, selected
from sarah.retry import retry_each, states_of


class Command(base.Command):
    help = (
        "Retry the conversations of open failures now, as they are stored, even if their next "
        "attempt is not due: one commit each, safe to interrupt and to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_selection(parser)

    def handle(self, *, dry_run: bool, **options: Any) -> None:
        failures = selected(options)
        states = states_of(failures)
        total, hopeless = states.count(), failures.count() - failures.retryable().count()
        left = f"; {hopeless} failures cannot be retried: correct what is wrong, then resolve them"
        if dry_run:
            self.stdout.write(f"Would retry {total} conversations{left if hopeless else ''}.")
            return
        results = retry_each(states, by=operator())
        outcomes = Counter(
            result.needs_no_retry
            for result in tqdm(results, total=total, unit=" conversations", disable=None)
        )
        summary = f"{outcomes[True]} in sync now, {outcomes[False]} still fail"
        self.stdout.write(f"Retried {total} conversations: {summary}{left if hopeless else ''}.")
        if outcomes[False]:
            raise SystemExit(base.PROBLEMS_REMAIN)
