"""What all commands of LeadSync promise: their exit codes, and arguments that mean the same on the
command line and in `call_command()`."""

from argparse import Action, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import InterfaceError, OperationalError, ProgrammingError

COULD_NOT_RUN = 1
PROBLEMS_REMAIN = 3


class Command(BaseCommand):
    """Exit codes 0, 1 and 3, also for wrong arguments, where argparse would exit with 2."""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        kwargs.setdefault("epilog", "Exit codes: 0 done; 1 could not run; 3 problems remain.")
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        self.actions_by_name = {action.dest: action for action in parser._actions}
        if parser.called_from_command_line:
            parser.error = lambda message: parser.exit(  # type: ignore[method-assign]
                COULD_NOT_RUN, f"{parser.format_usage()}{parser.prog}: {message}\n"
            )
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Read the keywords of `call_command()` as the command line would: Django does not."""
        for name, value in options.items():
            action = self.actions_by_name.get(name)
            if action and isinstance(value, str):
                options[name] = read_argument(action, value)
        try:
            return super().execute(*args, **options)
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            raise CommandError(
                "The database cannot be reached or is not migrated. Check DATABASE_URL, then run "
                f"`manage.py migrate`. ({type(error).__name__}; --traceback shows all of it)"
            ) from error


def read_argument(action: Action, value: str) -> Any:
    """The value of an argument; raises CommandError if it is not one."""
    name = "/".join(action.option_strings) or action.dest
    try:
        read = action.type(value) if callable(action.type) else value
    except (ArgumentTypeError, ValueError) as error:
        raise CommandError(f"argument {name}: {error}") from error
    if action.choices is not None and read not in action.choices:
        raise CommandError(f"argument {name}: {value!r} is not one of {', '.join(action.choices)}")
    return read
