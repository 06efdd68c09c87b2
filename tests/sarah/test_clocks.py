"""Machines' clocks differ; what is due, and what has drifted, is the same for all of them."""

from datetime import timedelta

import pytest
import time_machine
from django.core.management import call_command
from django.utils import timezone

from contacts.models import Contact
from sarah.models import SarahState
from sarah.queue import work_batch
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory
from tests.faults import LEADS, refusing

pytestmark = pytest.mark.django_db(transaction=True)

DAYS = [timedelta(days=-1), timedelta(days=1)]


@pytest.mark.parametrize("off", DAYS, ids=["behind", "ahead"])
def test_a_worker_whose_clock_is_wrong_retries_when_the_database_says(
    bot: Bot, off: timedelta
) -> None:
    ContactFactory(phone=PHONE)
    with refusing(LEADS):
        bot.post(lead_score=80)
        SarahState.objects.update(next_sync_at=timezone.now())
        with time_machine.travel(timezone.now() + off, tick=True):
            tried = sum((work_batch() for _ in range(3)), start=work_batch())

    state = SarahState.objects.get()
    assert tried == {"sync_error": 1}
    assert state.sync_attempts == 2
    assert timedelta() < state.next_sync_at - timezone.now() + timedelta(seconds=5)
    assert state.next_sync_at - timezone.now() < timedelta(minutes=2)


@pytest.mark.parametrize("off", DAYS, ids=["behind", "ahead"])
def test_a_conversation_that_another_clock_synced_has_not_drifted(
    bot: Bot, off: timedelta, capsys: pytest.CaptureFixture[str]
) -> None:
    ContactFactory(phone=PHONE)
    bot.post(lead_score=80)
    state = SarahState.objects.get()
    SarahState.objects.update(updated_at=state.synced_at + off)
    Contact.objects.update(last_activity_at=state.synced_at + off)

    call_command("reconcile", "--dry-run")

    assert capsys.readouterr().out == "Checked 1: 0 would be healed.\n"


def test_a_message_uses_up_no_attempt(bot: Bot) -> None:
    ContactFactory(phone=PHONE)
    with refusing(LEADS):
        for count in range(12):
            bot.post(message_count=count, lead_score=count + 1)
            SarahState.objects.update(next_sync_at=timezone.now() - timedelta(minutes=1))

    assert SarahState.objects.get().sync_attempts == 1
