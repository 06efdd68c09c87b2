"""What a process believes for a second: a revoked key is refused within two."""

import time

import pytest
from django.core.management import call_command

from contacts.models import Workspace
from leadsync.infra import queries
from tests.bot import Bot
from tests.factories import WorkspaceFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of beliefs, to be set by the test."""
    now = [time.monotonic()]
    monkeypatch.setattr(queries, "BELIEVED_FOR", 1.0)
    monkeypatch.setattr("leadsync.infra.queries.time.monotonic", lambda: now[0])
    return now


def test_a_revoked_key_is_refused_within_two_seconds(bot: Bot, clock: list[float]) -> None:
    assert bot.get().status_code == 200

    call_command("revoke_bot_keys", "sarah-bot")

    clock[0] += 1.01
    assert bot.get().status_code == 401


def test_a_new_key_and_a_new_workspace_count_at_once(bot: Bot, clock: list[float]) -> None:
    assert bot.post(workspace_id="toko").json()["syncReason"] == "workspace_not_found"
    WorkspaceFactory(slug="toko")

    newcomer = Bot("other-bot")

    assert newcomer.post(workspace_id="toko").json()["syncReason"] == "contact_not_found"


def test_a_changed_workspace_counts_within_two_seconds(bot: Bot, clock: list[float]) -> None:
    workspace = WorkspaceFactory(slug="toko")
    bot.post(workspace_id="toko")
    Workspace.objects.filter(pk=workspace.pk).update(creates_contacts=True)

    clock[0] += 1.01
    assert bot.post(workspace_id="toko").json() == {"success": True, "sync": True}
