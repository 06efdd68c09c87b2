"""The base of all commands: exit codes, and errors in words."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError

COULD_NOT_RUN = 1
PROBLEMS_REMAIN = 3


class Command(BaseCommand):
    """Exits with 0, 1 or 3, also for wrong arguments, where argparse would exit with 2."""

    epilog = "Exit codes: 0 done; 1 could not run; 3 problems remain."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, epilog=self.epilog, **kwargs)
        if parser.called_from_command_line:
            parser.error = lambda message: parser.exit(  # type: ignore[method-assign]
                COULD_NOT_RUN, f"{parser.format_usage()}{parser.prog}: {message}\n"
            )
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        try:
            return super().execute(*args, **options)
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            raise CommandError(
                "The database cannot be reached or is not migrated. Check DATABASE_URL, then run "
                f"`manage.py migrate`. ({type(error).__name__}; --traceback shows all of it)"
            ) from error
