"""`manage.py kapso_backfill`: fetch from Kapso what its webhooks missed."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.utils import timezone
from tqdm import tqdm

from contacts.models import Workspace
from leadsync.management import base
from leadsync.management.arguments import age, workspace
from sarah.kapso.api import KapsoApi, KapsoUnavailable
from sarah.kapso.backfill import Filled, backfill
from sarah.models import KapsoDelivery, KapsoFeed


class Command(base.Command):
    help = (
        "Fetch contacts, conversations and messages of a workspace from Kapso, such as those of a "
        "time in which its webhook was paused. Within Kapso's rate limit, safe to repeat; where it "
        "was interrupted, the next run goes on. The key is read from KAPSO_API_KEY."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--workspace", type=workspace, required=True, metavar="SLUG")
        parser.add_argument(
            "--since", type=age, metavar="7d", help="only conversations active in this time"
        )

    def handle(self, *, workspace: Workspace, since: timedelta | None, **options: Any) -> None:
        if not settings.KAPSO_API_KEY:
            raise CommandError("KAPSO_API_KEY is missing: set it to the key of your Kapso project.")
        if not workspace.kapso_phone_number_id:
            raise CommandError("The workspace has no Kapso phone number id: set it on its page.")
        if not KapsoFeed.objects.filter(workspace=workspace).exists():
            raise CommandError("Connect Kapso on the workspace's page first.")
        filled = Filled()
        api = KapsoApi(url=settings.KAPSO_API_URL, key=settings.KAPSO_API_KEY)
        begins = timezone.now() - since if since else None
        done = backfill(workspace, api, filled, since=begins)
        try:
            for _conversation in tqdm(done, unit=" conversations", disable=None):
                pass
        except KapsoUnavailable as error:
            raise CommandError(f"{error} So far: {filled}") from error
        self.stdout.write(f"Fetched {filled}")
        if KapsoDelivery.objects.filter(workspace=workspace).waiting().exists():
            self.stderr.write("Some of it waits for the worker, or for a person.")
            raise SystemExit(base.PROBLEMS_REMAIN)
