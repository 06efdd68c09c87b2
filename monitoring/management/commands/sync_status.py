"""`manage.py sync_status`: show the health of the sync."""

import json
from typing import Any

from django.core.management.base import CommandParser

from leadsync.management import base
from monitoring.health.problems import Status
from monitoring.health.serializers import ReportSerializer
from monitoring.health.text import read_report, report_lines


class Command(base.Command):
    help = (
        "Show the health of the sync: what is wrong and what to do about it, messages and their "
        "duration, open failures and their causes, the backlog, workers, the last "
        "reconciliations. For people over SSH; the exit code is for monitoring such as Nagios."
    )
    epilog = (
        "Exit codes: 0 healthy, or recovering: what was wrong is over, and what it left behind is "
        "being worked; 1 could not run; 3 degraded."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="the same as one JSON object")

    def handle(self, **options: Any) -> None:
        report = read_report()
        if options["json"]:
            self.stdout.write(json.dumps(ReportSerializer(report).data, indent=2))
        else:
            self.stdout.write("\n".join(report_lines(report)))
        if report.health.status == Status.DEGRADED:
            raise SystemExit(base.PROBLEMS_REMAIN)
