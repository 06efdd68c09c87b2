"""Adds a workspace."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError, CommandParser

from contacts.models import Workspace
from leadsync.management import base


class Command(base.Command):
    help = "Add a workspace. Its slug is how bots name it, and never changes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", metavar="SLUG", help="such as kopi-kita")
        parser.add_argument("--name", default="", help="default: made from the slug")
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

    def handle(self, *, slug: str, name: str, create_contacts: bool, **options: Any) -> None:
        workspace = Workspace(
            slug=slug,
            name=name or slug.replace("-", " ").title(),
            region=options["region"],
            kapso_phone_number_id=options["kapso_phone_number_id"],
            creates_contacts=create_contacts,
        )
        try:
            workspace.full_clean()
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        workspace.save()
        self.stdout.write(f"Created workspace {slug}.")
