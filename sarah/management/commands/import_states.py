"""`manage.py import_states`: take over conversations from another backend."""

from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from leadsync.management import base
from leadsync.management.arguments import workspace as workspace_type
from sarah.moving import Outcome, take_over


class Command(base.Command):
    help = (
        "Take over conversations from another backend, each as its GET returns it, so that no bot "
        "forgets its leads on the day of the switch. What is newer here stays. One commit per "
        "conversation, safe to interrupt and to repeat; run `import_leads` first."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE.jsonl", help="one JSON object per line"
        )
        parser.add_argument(
            "--workspace",
            type=workspace_type,
            metavar="SLUG",
            help="put all of them there; default: where each row's workspace_id says",
        )
        parser.add_argument("--dry-run", action="store_true", help="write nothing")

    def handle(self, *, file: Path, dry_run: bool, **options: Any) -> None:
        outcomes: Counter[str] = Counter()
        waiting: Counter[str] = Counter()
        try:
            with file.open("rb") as rows:
                total = sum(1 for _row in rows)
                rows.seek(0)
                progress = tqdm(rows, total=total, unit=" conversations", disable=None)
                for number, row in enumerate(progress, start=1):
                    if not row.strip():
                        continue
                    taken = take_over(row, workspace=options["workspace"], dry_run=dry_run)
                    outcomes[taken.outcome] += 1
                    if taken.error:
                        self.stderr.write(f"line {number}: {taken.error}")
                    if taken.result and not taken.result.needs_no_retry:
                        waiting[str(taken.result.reason)] += 1
        except OSError as error:
            raise CommandError(f"Cannot read {file}: {error.strerror}.") from error
        verb = "Would take over" if dry_run else "Took over"
        counts = [f"{outcomes[outcome]} {outcome}" for outcome in Outcome]
        counts += [f"{number} {reason}" for reason, number in sorted(waiting.items())]
        self.stdout.write(f"{verb} {outcomes.total()} conversations: {', '.join(counts)}.")
        if outcomes[Outcome.REFUSED] or waiting:
            raise SystemExit(base.PROBLEMS_REMAIN)
