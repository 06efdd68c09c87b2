"""No cache between us and a person or a bot keeps what a lead said."""

import pytest

from tests.bot import PHONE, Bot
from tests.callers import Caller
from tests.factories import ContactFactory
from tests.staff import Staff

pytestmark = pytest.mark.django_db


def test_answers_with_personal_data_are_stored_nowhere(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    caller, staff = Caller("leads:read"), Staff(is_superuser=True)

    answers = [
        bot.post(lead_score=80),
        bot.get(),
        caller.get("/api/v1/leads/"),
        caller.get(f"/api/v1/leads/{lead.pk}/"),
        staff.client.get("/admin/contacts/contact/"),
        staff.client.get(f"/admin/contacts/contact/{lead.pk}/change/"),
    ]

    for answer in answers:
        assert answer.status_code == 200
        assert "no-store" in answer["Cache-Control"]
