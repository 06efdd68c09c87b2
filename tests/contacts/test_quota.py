"""A flood of unknown numbers makes no leads, loses no conversation, and drains by itself."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from contacts.models import Contact, Workspace
from contacts.quota import is_used_up
from monitoring.models import SyncFailure
from sarah.admin.details import explain_sync
from sarah.models import SarahState
from tests.bot import Bot, not_synced
from tests.factories import ContactFactory, WorkspaceFactory

pytestmark = pytest.mark.django_db(transaction=True)

WAITS = not_synced("contact_not_found")


@pytest.fixture
def home() -> Workspace:
    """The only workspace, which creates two leads in an hour."""
    home = Workspace.objects.get()
    home.creates_contacts, home.max_created_per_hour = True, 2
    home.save()
    return home


def flood(bot: Bot, count: int = 5) -> list[dict]:
    return [bot.post(f"+62812345678{n:02}", lead_score=n + 1).json() for n in range(count)]


def test_what_is_over_the_limit_is_kept_and_told_what_to_do(bot: Bot, home: Workspace) -> None:
    ContactFactory.create_batch(3)  # by hand: they take no place

    answers = flood(bot)

    assert [answer["sync"] for answer in answers] == [True, True, False, False, False]
    assert answers[-1] == WAITS
    assert is_used_up(home)
    assert SarahState.objects.count() == 5
    failure = SyncFailure.objects.open().first()
    assert failure is not None
    assert failure.error.startswith("This workspace reached its limit of 2 created leads per hour")
    assert "at most 2 in an hour" in explain_sync(SarahState.objects.latest("pk"))


def test_known_leads_and_other_workspaces_do_not_feel_the_flood(bot: Bot, home: Workspace) -> None:
    known = ContactFactory()
    WorkspaceFactory(slug="kopi-kita", creates_contacts=True, max_created_per_hour=1)
    for number in range(4):
        bot.post(f"+62812345678{number:02}", workspace_id="default")

    assert bot.post(known.phone, workspace_id="default", lead_score=80).json()["sync"]
    assert bot.post("+6281234567899", workspace_id="kopi-kita").json()["sync"]


def test_raising_the_limit_lets_in_as_many_as_it_allows(bot: Bot, home: Workspace) -> None:
    flood(bot)
    WorkspaceFactory(slug="kopi-kita")
    bot.post("+6281234567899", workspace_id="kopi-kita")  # waits there
    before = list(SyncFailure.objects.order_by("pk").values("occurrences"))

    home.max_created_per_hour = 4
    home.save(update_fields=["max_created_per_hour"])

    assert set(Contact.objects.values_list("lead_score", flat=True)) == {1, 2, 3, 4}
    assert SarahState.objects.out_of_sync().get(workspace=home).lead_score == 5
    assert list(SyncFailure.objects.order_by("pk").values("occurrences")) == before
    assert SyncFailure.objects.open().count() == 2


def test_the_hourly_reconciliation_drains_it_and_counts_no_failure_again(
    bot: Bot, home: Workspace, capsys
) -> None:
    flood(bot)

    for hour in range(3):
        with time_machine.travel(timezone.now() + timedelta(hours=hour), tick=False):
            if hour == 1:
                call_command("reconcile", "--dry-run")
            call_command("reconcile")

    assert capsys.readouterr().out.splitlines() == [
        "Checked 5: 0 healed, 0 failed, 3 still open.",
        "Checked 5: 2 would be healed.",
        "Checked 5: 2 healed, 0 failed, 1 still open.",
        "Checked 5: 1 healed, 0 failed, 0 still open.",
    ]
    assert Contact.objects.count() == 5
    assert set(SyncFailure.objects.values_list("occurrences", "resolution")) == {(1, "healed")}


@pytest.mark.parametrize(("minutes", "is_still_used_up"), [(54, True), (56, False)])
def test_a_place_is_free_again_just_before_the_hour_is_over(
    bot: Bot, home: Workspace, minutes: int, is_still_used_up: bool
) -> None:
    flood(bot, 2)

    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=False):
        assert is_used_up(home) is is_still_used_up


def test_a_limit_of_none_creates_none(bot: Bot, home: Workspace) -> None:
    home.max_created_per_hour = 0
    home.save()

    assert flood(bot, 1) == [WAITS]
    assert not Contact.objects.exists()
