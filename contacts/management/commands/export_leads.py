"""`manage.py export_leads`: leads as a CSV or XLSX file."""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser
from tqdm import tqdm

from contacts.exchange.files import CSV, XLSX, TooManyRows, csv_of, write_xlsx
from contacts.exchange.leaving import rows_of
from contacts.models import Contact, Workspace
from contacts.workflow import LeadStatus
from leadsync.management import base
from leadsync.management.arguments import workspace as workspace_type

logger = logging.getLogger(__name__)


class Command(base.Command):
    help = (
        "Write leads as CSV or XLSX. Nothing in the file runs as a formula, and phones are text; "
        "`import_leads` reads all of it as it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--out", type=Path, metavar="FILE", help="a new file, for you only; else stdout, as CSV"
        )
        parser.add_argument(
            "--format", choices=[CSV, XLSX], help="default: what FILE's name ends in, else csv"
        )
        parser.add_argument("--workspace", type=workspace_type, metavar="SLUG")
        parser.add_argument(
            "--status", action="append", choices=LeadStatus.values, help="may be repeated"
        )
        parser.add_argument("--search", metavar="TEXT", help="as in the admin's list of leads")

    def handle(self, *, out: Path | None, format: str | None, **options: Any) -> None:
        leads = selected(options["workspace"], options["status"], options["search"])
        total = leads.count()
        rows = tqdm(rows_of(leads), total=total + 1, unit=" rows", disable=None)
        kind = format or (XLSX if out and out.suffix.lower() == ".xlsx" else CSV)
        if out is None and kind == XLSX:
            raise CommandError("XLSX needs a file: name it with --out.")
        if out is None:
            sys.stdout.writelines(csv_of(rows))
        else:
            _write(rows, out, kind)
        logger.info("export_leads: %d leads as %s", total, kind)
        self.stderr.write(f"Exported {total} leads.", style_func=str)


def selected(workspace: Workspace | None, statuses: list[str] | None, search: str | None) -> Any:
    """Return the leads that the options select; by default all."""
    leads = Contact.objects.all()
    if workspace:
        leads = leads.filter(workspace=workspace)
    if statuses:
        leads = leads.filter(lead_status__in=statuses)
    return leads.matching(search) if search else leads


def _write(rows: Any, out: Path, kind: str) -> None:
    try:
        with open(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            if kind == XLSX:
                write_xlsx(rows, file)
            else:
                file.writelines(part.encode() for part in csv_of(rows))
    except (OSError, TooManyRows) as error:
        raise CommandError(f"Cannot write {out}: {error}") from error
