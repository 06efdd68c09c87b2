"""`manage.py import_leads`: leads from a CSV or XLSX file."""

from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from contacts.exchange.columns import IMPORTED, mapping_of
from contacts.exchange.importing import Outcome, Result
from contacts.exchange.opening import UnreadableFile, headers_and_rows
from contacts.exchange.reading import Import
from contacts.exchange.whole import RefusedFile, import_file
from leadsync.management import base
from leadsync.management.arguments import workspace as workspace_type
from sarah.retry import heal_waiting


class Command(base.Command):
    help = (
        "Import leads from a CSV or XLSX file: who is known by phone or WhatsApp user id is "
        "updated, the others are added. What a person wrote stays. Rows that cannot be used come "
        "back as a file with their errors, to be corrected and imported again. Safe to repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE", help="CSV (UTF-8) or XLSX")
        parser.add_argument("--workspace", type=workspace_type, metavar="SLUG", required=True)
        parser.add_argument(
            "--map",
            action="append",
            type=told_column,
            default=[],
            metavar="HEADER=FIELD",
            help="which field a column is for, if its header does not say so; HEADER= leaves it "
            f"out; may be repeated. Fields: {', '.join(IMPORTED)}",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="write also over what people wrote"
        )
        parser.add_argument(
            "--errors", type=Path, metavar="FILE.csv", help="default: beside FILE, *.errors.csv"
        )
        parser.add_argument("--dry-run", action="store_true", help="write only the file of errors")

    def handle(self, *, file: Path, errors: Path | None, **options: Any) -> None:
        path = errors or file.with_name(f"{file.stem}.errors.csv")
        try:
            with file.open("rb") as source, RefusedFile(path) as refused:
                how = _how(source, options)
                tally = import_file(source, how, refused, heal=heal_waiting, watch=_progress)
        except (OSError, UnreadableFile) as error:
            raise CommandError(f"Cannot import {file}: {error}") from error
        verb = "Would import" if options["dry_run"] else "Imported"
        counts = ", ".join(f"{tally.outcomes[outcome]} {outcome}" for outcome in Outcome)
        if tally.kept:
            self.stderr.write(
                f"In {tally.kept} rows, what a person wrote was kept; --overwrite writes over it."
            )
        self.stdout.write(f"{verb} {tally.outcomes.total()} rows: {counts}.")
        if tally.refused:
            self.stderr.write(f"Correct {refused.path}, and import it.")
            raise SystemExit(base.PROBLEMS_REMAIN)


def _how(source: IO[bytes], options: dict[str, Any]) -> Import:
    headers, _rows = headers_and_rows(source)
    return Import(
        workspace=options["workspace"],
        columns=mapping_of(headers, dict(options["map"])),
        width=len(headers),
        by="import_leads",
        overwrite=options["overwrite"],
        dry_run=options["dry_run"],
    )


def _progress(results: Iterator[Result], total: int) -> Iterable[Result]:
    return tqdm(results, total=total, unit=" rows", disable=None)


def told_column(text: str) -> tuple[str, str]:
    """Parse HEADER=FIELD; for argparse."""
    header, _mark, name = text.rpartition("=")
    if not header or name not in ("", *IMPORTED):
        raise ArgumentTypeError(f"{text!r} is not HEADER=FIELD; fields: {', '.join(IMPORTED)}")
    return header, name
