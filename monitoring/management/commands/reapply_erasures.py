"""`manage.py reapply_erasures`: erase again who was erased, after a backup was restored."""

from operator import attrgetter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from contacts import erasure, erasure_list
from contacts.models import Erasure
from leadsync.management import base
from monitoring.erasing import reapply


class Command(base.Command):
    help = (
        "Erase again whoever was erased and stands in a restored backup or an import. Takes the "
        "erasures that the database has lost from var/erasures.jsonl."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--list",
            type=Path,
            action="append",
            default=[],
            dest="lists",
            metavar="FILE",
            help="also the list of another machine; may be repeated",
        )
        parser.add_argument("--dry-run", action="store_true", help="only count")

    def handle(self, *, lists: list[Path], dry_run: bool, **options: Any) -> None:
        try:
            listed = [one for path in (None, *lists) for one in erasure_list.read(path)]
        except erasure_list.UnreadableList as error:
            raise CommandError(str(error)) from error
        known = sorted([*Erasure.objects.all(), *listed], key=attrgetter("erased_at"))
        if not dry_run:
            erasure.save(listed)
            erasure_list.complete(known)
        erased = {one.digest: one.erased_at for one in known}
        found = list(tqdm(reapply(erased, dry_run=dry_run), unit=" people", disable=None))
        rows = sum(counts.total() for counts in found)
        others = erasure.made_with_other_keys()
        if others:
            self.stderr.write(
                f"{others} erasures were made with another key, and are not recognised here: set "
                "LEADSYNC_ERASURE_KEY to it, or bring its var/erasure.key."
            )
        verb = "Would erase" if dry_run else "Erased"
        self.stdout.write(f"{verb} {rows} rows of {len(found)} people again.")
        if others:
            raise SystemExit(base.PROBLEMS_REMAIN)
