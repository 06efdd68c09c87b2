"""The flags with which commands select failures."""

import getpass
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from leadsync.management.arguments import age, phone
from monitoring.kinds import Kind, Source
from monitoring.models import SyncFailure, SyncFailureQuerySet

SELECTION = ("ids", "source", "kind", "group", "workspace", "phone", "older_than", "all")


def add_selection(parser: CommandParser) -> None:
    parser.add_argument("ids", nargs="*", type=int, default=[], metavar="ID")
    parser.add_argument("--source", choices=Source.values)
    parser.add_argument("--kind", choices=Kind.values)
    parser.add_argument("--group", type=int, metavar="ID", help="only failures of this cause")
    parser.add_argument("--workspace", metavar="SLUG", help="as recorded on the failures")
    parser.add_argument("--phone", type=phone, metavar="P", help="in any spelling")
    parser.add_argument(
        "--older-than", type=age, metavar="7d", help="only those not seen for this long"
    )
    parser.add_argument("--all", action="store_true", help="every open failure")
    parser.add_argument("--dry-run", action="store_true", help="only count")


def selected(options: dict[str, Any]) -> SyncFailureQuerySet:
    """Return the open failures that the options select; raises CommandError without a selection."""
    if not any(options[name] for name in SELECTION):
        raise CommandError(
            "Say which: IDs, --source, --kind, --group, --workspace, --phone, --older-than, or "
            "--all for every open failure."
        )
    wanted = {
        "pk__in": options["ids"],
        "source": options["source"],
        "kind": options["kind"],
        "group": options["group"],
        "workspace_ref": options["workspace"],
        "contact_phone": options["phone"],
    }
    given = {name: value for name, value in wanted.items() if value not in (None, [])}
    failures = SyncFailure.objects.open().filter(**given)
    if options["older_than"]:
        failures = failures.last_seen_before(timezone.now() - options["older_than"])
    return failures


def is_whole_cause(options: dict[str, Any]) -> bool:
    """Whether a cause is selected, and nothing narrows it down."""
    return bool(options["group"]) and [name for name in SELECTION if options[name]] == ["group"]


def operator() -> str:
    """The user who runs the command; a container's user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "operator"
