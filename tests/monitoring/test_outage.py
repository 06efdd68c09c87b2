"""An outage from beginning to end, as the people who run a shop live through it."""

from datetime import timedelta

import time_machine
from django.core import mail
from django.utils import timezone

from monitoring.jobs import worker
from monitoring.models import AlertSettings, SyncFailure
from sarah.models import SarahState, StateUpdate
from tests.bot import Bot
from tests.factories import ContactFactory
from tests.faults import LEADS, refusing

LEADS_TALKING = 8


def a_minute_of_traffic(bot: Bot, phones: list[str], minute: int) -> None:
    for phone in phones:
        assert bot.post(phone, lead_score=40 + minute, message_count=minute).status_code == 200
    worker().work_once()


def test_two_minutes_without_the_table_of_leads_cost_one_alert_and_no_message(bot: Bot) -> None:
    AlertSettings.objects.create(emails=["operator@example.com"])
    phones = [ContactFactory().phone for _ in range(LEADS_TALKING)]

    two_minutes_ago = timezone.now() - timedelta(minutes=2)  # the database's clock is the real one

    with time_machine.travel(two_minutes_ago, tick=False) as clock:
        with refusing(LEADS):
            for minute in (1, 2):
                a_minute_of_traffic(bot, phones, minute)
                assert SyncFailure.objects.open().count() == LEADS_TALKING
                clock.shift(timedelta(minutes=1))
        told = [message.subject for message in mail.outbox]
        SarahState.objects.filter(next_sync_at__isnull=False).update(next_sync_at=timezone.now())
        worker().work_once()

    assert len(told) == 1
    assert len(mail.outbox) == 2
    assert "ecovered" in mail.outbox[1].subject
    assert not SyncFailure.objects.open().exists()
    assert not SarahState.objects.out_of_sync().exists()
    assert set(SarahState.objects.values_list("contact__lead_score", flat=True)) == {42}
    assert StateUpdate.objects.count() == 2 * LEADS_TALKING
