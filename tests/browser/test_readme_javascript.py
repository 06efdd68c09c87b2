"""The README's JavaScript, as people copy it into their workflows, run by a real engine."""

import re
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page

from leadsync.admin.connect import FUNCTION
from sarah.models import SarahState
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory

pytestmark = [
    pytest.mark.django_db(transaction=True),
    # A workflow has no page whose policy forbids it to fetch.
    pytest.mark.browser_context_args(bypass_csp=True),
]

BLANK = {
    "state": "greeting",
    "lead_score": 0,
    "lead_temperature": "cold",
    "extracted_data": {},
    "language": "id",
    "message_count": 0,
}
SAID = {
    "state": "qualifying",
    "lead_score": 55,
    "lead_temperature": "warm",
    "extracted_data": {"name": "Budi", "business_type": "cafe", "team_size": 5, "pain_points": []},
    "language": "id",
}


def readme_function(site: str) -> str:
    """The README's block as the body of a function, which a workflow gives `env` and `phone`.

    Nothing is changed in it but the site's address.
    """
    readme = (settings.BASE_DIR / "README.md").read_text()
    (block,) = re.findall(r"^```js\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)
    assert block == FUNCTION.read_text()  # which the admin fills in for people
    body, addresses = re.subn(r"https://leads\.example\.com(?=/)", site, block)
    assert addresses == 1
    return f"async ({{ env, phone }}) => {{ {body} return [memory, await answer.json()]; }}"


def test_the_readmes_function_remembers_a_lead_from_message_to_message(
    page: Page, live_server: Any, bot: Bot
) -> None:
    lead = ContactFactory(phone=PHONE)
    page.goto(f"{live_server.url}/healthz")
    function = readme_function(live_server.url)
    given = {"env": {"LEADSYNC_KEY": bot.key}, "phone": PHONE}

    first_memory, first_answer = page.evaluate(function, given)
    second_memory, second_answer = page.evaluate(function, given)

    assert first_memory == BLANK
    assert second_memory.items() >= (SAID | {"message_count": 1, "contact_phone": PHONE}).items()
    assert first_answer == second_answer == {"success": True, "sync": True}
    conversation = SarahState.objects.get()
    assert {name: getattr(conversation, name) for name in SAID} == SAID
    assert (conversation.contact, conversation.message_count) == (lead, 2)
    lead.refresh_from_db()
    assert (lead.name, lead.business_type, lead.team_size) == ("Budi", "cafe", 5)
    assert (lead.lead_score, lead.lead_temperature, lead.lead_status) == (55, "warm", "qualified")
