"""The whole of it in production's clothes: granian, real HTTP, simulated conversations."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest
from django.db import connection

from contacts.models import Contact
from contacts.phones import to_e164
from leadsync.bots import issue_key
from leadsync.infra import spool
from monitoring.models import SyncFailure
from sarah.models import SarahState, StateUpdate
from sarah.simulator.conversations import conversations, phones
from sarah.simulator.traffic import Tally, send
from tests.bot import PHONE, Bot
from tests.factories import ContactFactory
from tests.faults import NEWS, STORED, locked
from tests.server import production_server

pytestmark = pytest.mark.django_db(transaction=True)

CONVERSATIONS, SEED = 12, 7
PATIENCE = 60
HELD = {
    "postgresql": "SELECT 1 FROM sarah_sarahstate FOR UPDATE",
    "sqlite": "UPDATE contacts_contact SET name = name",
}
"""What keeps a message out, by database."""


def test_simulated_conversations_reach_their_leads_through_the_real_server() -> None:
    key = issue_key("sarah-bot", role="sarah")
    leads = phones(CONVERSATIONS, seed=SEED)
    stranger = leads.pop()
    for phone in leads:
        ContactFactory(phone=phone)
    traffic = list(conversations(CONVERSATIONS, seed=SEED))
    tally = Tally()

    with production_server() as url:
        for reply in send(traffic, base_url=url, key=key):
            tally.add(reply)
        chunked = chunked_post(url, key, {"contact_phone": PHONE, "message_count": 7})
        bodyless = chunked_post(url, key, {})
        others = statuses(url, "/healthz", "/readyz", "/nowhere", "/sarah/state/")

    assert (tally.problems, tally.warnings.total()) == (0, 0)
    assert chunked == (200, {"success": True, "sync": False, "syncReason": "contact_not_found"})
    assert bodyless[1].pop("request_id")
    assert bodyless == (400, {"error": "contact_phone is required", "code": "invalid"})
    assert others == [200, 200, 301, 401]
    assert SarahState.objects.get(contact_phone=PHONE).message_count == 7
    for phone, last in last_words(traffic).items():
        state = SarahState.objects.get(contact_phone=phone)
        assert {name: getattr(state, name) for name in last} == last
        assert bool(state.synced_at) == (phone != stranger)
    for lead in Contact.objects.all():
        said = SarahState.objects.get(contact=lead)
        assert (lead.phone, lead.lead_score) == (said.contact_phone, said.lead_score)
        assert lead.business_type == said.extracted_data.get("business_type", "")
    assert set(SyncFailure.objects.open().values_list("contact_phone", flat=True)) == {
        stranger,
        PHONE,
        "",
    }


SECRET = "for-the-tests-0123"
FORGED = {"X_Forwarded_For": "192.0.2.66", "X_Forwarded_Proto": "https"}
"""To WSGI these are the proxy's own headers."""
BY_PROXY = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "http"}


def signed(secret: str, proto: str) -> dict[str, str]:
    return {"Forwarded": f'for="192.0.2.7";proto={proto};secret={secret}'}


@pytest.mark.one_database
def test_no_header_forges_an_address_or_skips_https_whatever_the_proxy_passes_on(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSYNC_PROXY_SECRET", SECRET)
    bodies = [BY_PROXY, BY_PROXY | FORGED, signed("guessed", "https") | FORGED]
    trusted = signed(SECRET, "http") | BY_PROXY | FORGED

    with production_server() as url:
        answers = [status(url, "/nowhere", headers) for headers in (*bodies, trusted)]
        over_https = status(url, "/nowhere", signed(SECRET, "https"))
        for headers in (*bodies, trusted):
            chunked_post(url, bot.key, {"contact_phone": PHONE}, headers)

    assert (answers, over_https) == ([301] * 4, 404)
    addresses = StateUpdate.objects.order_by("pk").values_list("client_address", flat=True)
    assert list(addresses) == ["127.0.0.1"] * 3 + ["192.0.2.7"]


def test_a_stored_message_outlives_killed_servers_and_comes_in_by_itself(bot: Bot) -> None:
    lead = ContactFactory(phone=PHONE)
    bot.post(message_count=1)
    with locked(HELD[connection.vendor]), production_server(killed=True) as url:
        answer = chunked_post(url, bot.key, {"contact_phone": PHONE, **NEWS})
        time.sleep(0.6)  # one look of the drainer

    assert answer == STORED
    with production_server():
        deadline = time.monotonic() + PATIENCE
        while spool.contents().waiting and time.monotonic() < deadline:
            time.sleep(0.05)

    lead.refresh_from_db()
    assert lead.lead_score == 80
    assert SarahState.objects.get().revision == 2


def last_words(traffic: list[dict]) -> dict[str, dict]:
    """What each conversation's last message says."""
    bodies = [request["body"] for request in traffic if request["method"] == "POST"]
    said = {to_e164(body["contact_phone"], region="ID"): dict(body) for body in bodies}
    for body in said.values():
        del body["contact_phone"]
    return said


def chunked_post(
    url: str, key: str, body: dict, headers: dict[str, str] | None = None
) -> tuple[int, dict]:
    """Send the body in chunks and without its length, as proxies and streams do."""
    raw = json.dumps(body).encode()

    def chunks() -> Iterator[bytes]:
        yield raw[:5]
        yield raw[5:]

    server = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    sent = {"X-API-Key": key, "Transfer-Encoding": "chunked"} | (headers or {})
    server.request("POST", "/sarah/state", chunks(), sent, encode_chunked=True)
    answer = server.getresponse()
    said = answer.status, json.loads(answer.read())
    server.close()
    return said


def status(url: str, path: str, headers: dict[str, str]) -> int:
    server = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    server.request("GET", path, headers=headers)
    found = server.getresponse().status
    server.close()
    return found


def statuses(url: str, *paths: str) -> list[int]:
    server = HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
    found = []
    for path in paths:
        server.request("GET", path)
        answer = server.getresponse()
        answer.read()
        found.append(answer.status)
    server.close()
    return found
