"""`manage.py create_workspace`: add a workspace."""

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from contacts.models import Workspace
from contacts.phones import InvalidPhone, to_e164
from leadsync.management import base


class Command(base.Command):
    help = "Add a workspace. Bots refer to it by its slug, which can never be changed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="such as kopi-kita")
        parser.add_argument("--name", default="", help="default: derived from the slug")
        parser.add_argument(
            "--region",
            default="ID",
            type=str.upper,
            help="country in which national phone numbers are read (default: %(default)s)",
        )
        parser.add_argument("--kapso-phone-number-id", default=None, metavar="ID")
        parser.add_argument(
            "--create-contacts",
            action="store_true",
            help="add a lead for each unknown number that writes to Sarah",
        )
        parser.add_argument(
            "--max-created-per-hour",
            type=int,
            default=500,
            metavar="N",
            help="limit of these leads; more numbers wait for a later hour (default: %(default)s)",
        )
        parser.add_argument(
            "--test-number",
            action="append",
            default=[],
            dest="test_numbers",
            metavar="P",
            help="phone that never becomes a lead, in any spelling; may be repeated",
        )

    def handle(self, *, slug: str, name: str, create_contacts: bool, **options: Any) -> None:
        try:
            workspace = Workspace(
                slug=slug,
                name=name or slug.replace("-", " ").title(),
                region=options["region"],
                kapso_phone_number_id=options["kapso_phone_number_id"],
                creates_contacts=create_contacts,
                max_created_per_hour=options["max_created_per_hour"],
                test_numbers=read_phones(options["test_numbers"], region=options["region"]),
            )
            workspace.full_clean()
        except InvalidPhone as error:
            raise CommandError(f"argument --test-number: {error}") from error
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        workspace.save()
        self.stdout.write(f"Created workspace {slug}.")


def read_phones(typed: Iterable[str], *, region: str) -> list[str]:
    """Return the phones as E.164 without repeats; raises InvalidPhone."""
    return list(dict.fromkeys(to_e164(phone, region=region, from_person=True) for phone in typed))
