"""Machines' clocks differ; what is due, and what has drifted, is the same for all of them."""

import os
import re
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
import time_machine
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from contacts.models import Contact, Workspace
from leadsync.infra.clock import measure
from sarah.models import SarahState
from sarah.queue import work_batch
from tests.bot import PHONE, SYNCED, Bot
from tests.factories import ANY_MOVE, ContactFactory
from tests.faults import LEADS, postgresql, refusing
from tests.server import database_url

pytestmark = pytest.mark.django_db(transaction=True)

FAKETIME = [str(path) for path in Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")]
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


@postgresql
@pytest.mark.skipif(not FAKETIME, reason="there is no libfaketime")
def test_workers_on_two_machines_whose_clocks_are_days_apart_try_each_once(bot: Bot) -> None:
    leads = [ContactFactory() for _ in range(6)]
    with refusing(LEADS):
        for lead in leads:
            bot.post(lead.phone, lead_score=80)
        SarahState.objects.update(next_sync_at=timezone.now())
        machines = [worker_of_a_machine(off) for off in ("-1d", "+1d")]
        ended = [machine.communicate(timeout=60)[0] for machine in machines]

    tried = [int(count) for said in ended for count in re.findall(r"Retried (\d+)", said)]
    assert (len(tried), sum(tried)) == (2, len(leads))
    for state in SarahState.objects.all():
        assert state.sync_attempts == 2
        left = state.next_sync_at - timezone.now()
        assert timedelta(minutes=-1) < left < timedelta(minutes=3)


def worker_of_a_machine(off: str) -> subprocess.Popen[str]:
    """A worker that does what is due now, on a machine whose clock is off."""
    environment = {
        "DATABASE_URL": database_url(),
        "LD_PRELOAD": FAKETIME[0],
        "FAKETIME": off,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", "sync_worker", "--once"],
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        text=True,
    )


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


@postgresql
@pytest.mark.parametrize("off", DAYS, ids=["behind", "ahead"])
def test_a_person_at_a_machine_with_a_wrong_clock_has_the_last_word_until_sarah_has_news(
    bot: Bot, off: timedelta
) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(state="handoff", message_count=2)
    with time_machine.travel(timezone.now() + off, tick=True):
        measure()  # as its server does each minute
        lead.change_status("qualified", by="dewi", why=ANY_MOVE)
    measure()

    call_command("reconcile", stdout=StringIO())
    lead.refresh_from_db()
    assert lead.lead_status == "qualified"

    bot.post(state="handoff", message_count=3)
    lead.refresh_from_db()
    assert lead.lead_status == "contacted"


@postgresql
def test_a_lead_deleted_by_a_fast_clock_comes_back_with_the_next_message(bot: Bot) -> None:
    Workspace.objects.update(creates_contacts=True)
    bot.post(message_count=1)
    with time_machine.travel(timezone.now() + timedelta(days=1), tick=True):
        measure()
        Contact.objects.get().delete()
    measure()

    assert bot.post(message_count=2).json() == SYNCED


def test_a_message_uses_up_no_attempt(bot: Bot) -> None:
    ContactFactory(phone=PHONE)
    with refusing(LEADS):
        for count in range(12):
            bot.post(message_count=count, lead_score=count + 1)
            SarahState.objects.update(next_sync_at=timezone.now() - timedelta(minutes=1))

    assert SarahState.objects.get().sync_attempts == 1
