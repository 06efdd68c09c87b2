"""`manage.py replay`: send recorded bot traffic to a server."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from sarah.management.sending import SendingCommand
from sarah.simulator.traffic import TrafficError, read_requests


class Command(SendingCommand):
    help = (
        "Send recorded bot traffic to a server over HTTP, in order, and sum up the outcomes. "
        "Who was erased is excluded."
    )
    is_replay = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", type=Path, metavar="FILE.jsonl", help="one recorded request per line, as JSON"
        )
        self.add_base_url(parser, required=True)
        self.add_sending_arguments(parser)

    def handle(self, *, file: Path, **options: Any) -> None:
        try:
            total = sum(1 for _ in read_requests(file))  # nothing is sent from a broken file
        except TrafficError as error:
            raise CommandError(str(error)) from error
        self.send(read_requests(file), total=total, options=options)
