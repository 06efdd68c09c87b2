"""The door of the feed: who may deliver, what is kept, and what is answered."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from contacts.models import ChatMark, ChatMessage
from leadsync.models import ApiKey
from monitoring.models import SyncFailure
from sarah.api import webhooks
from sarah.kapso.receive import MAX_BODY
from sarah.kapso.signatures import sign
from sarah.models import KapsoDelivery, KapsoFeed
from tests.factories import WorkspaceFactory
from tests.faults import database_away, lock_waits, locked
from tests.kapso import SECRET, Delivery, Kapso, example, work_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def kapso() -> Kapso:
    return Kapso()


@pytest.fixture(autouse=True)
def _forgotten_counts() -> None:
    webhooks._refused.clear()
    webhooks._counted_at.clear()


def test_a_delivery_is_kept_as_it_came_and_answered_200(kapso: Kapso) -> None:
    text = example("text")

    answer = kapso.send(text)

    assert (answer.status_code, answer.json()) == (200, {"success": True})
    (kept,) = KapsoDelivery.objects.all()
    assert kept.body == text.raw.decode()
    assert kept.event == "whatsapp.message.received"
    assert kept.worked_at


@pytest.mark.parametrize("path", ["/webhooks/kapso/default", "/webhooks/kapso/default/"])
@override_settings(SECURE_SSL_REDIRECT=True)
def test_both_forms_of_the_address_answer_without_a_redirect(kapso: Kapso, path: str) -> None:
    kapso.url = path

    assert kapso.send(example("text")).status_code == 200


TAMPERED: dict[str, dict[str, str]] = {
    "none": {"X-Webhook-Signature": ""},
    "of another secret": {"X-Webhook-Signature": sign(example("text").raw, "another")},
    "of another body": {"X-Webhook-Signature": sign(b"{}", SECRET)},
    "no ASCII": {"X-Webhook-Signature": "é"},
}


@pytest.mark.parametrize("headers", TAMPERED.values(), ids=TAMPERED)
def test_a_wrong_signature_is_refused_and_counted_and_leaves_nothing(
    kapso: Kapso, headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    text = example("text")

    answer = kapso.send(text._replace(headers=text.headers | headers))

    assert answer.status_code == 401
    kapso.feed.refresh_from_db()
    assert kapso.feed.refused == 1
    assert kapso.feed.last_refused_at
    assert not KapsoDelivery.objects.exists()
    assert not SyncFailure.objects.exists()
    assert "leadsync" not in caplog.text.replace("django", "")


def test_a_flood_of_wrong_signatures_is_counted_with_few_writes(kapso: Kapso) -> None:
    junk = Delivery("junk", {}, b"{}")

    with CaptureQueriesContext(connection) as captured:
        for _again in range(5):
            assert kapso.send(junk).status_code == 401

    assert sum(query["sql"].startswith("UPDATE") for query in captured) == 1


@pytest.mark.parametrize("slug", ["default", "nowhere"])
def test_nobody_learns_which_workspaces_have_a_feed(slug: str) -> None:
    WorkspaceFactory()

    answer = Client().post(f"/webhooks/kapso/{slug}/", b"{}", content_type="application/json")

    assert answer.status_code == 401


def test_a_signature_with_its_algorithm_in_front_is_as_good(kapso: Kapso) -> None:
    text = example("text")
    signature = f"sha256={text.headers['X-Webhook-Signature']}"

    answer = kapso.send(text._replace(headers=text.headers | {"X-Webhook-Signature": signature}))

    assert answer.status_code == 200


def test_the_secret_before_is_taken_for_a_week_after_a_new_one(kapso: Kapso) -> None:
    kapso.feed.rotate()

    assert kapso.send(example("text")).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        assert kapso.send(example("location")).status_code == 401


def test_metas_own_secret_signs_as_well_and_only_while_it_is_known() -> None:
    kapso = Kapso(secret="ours", app_secret=SECRET)
    assert kapso.send(example("meta_message_with_phone")).status_code == 200

    KapsoFeed.objects.update(app_secret="")
    assert kapso.send(example("meta_message_without_phone")).status_code == 401


HANDSHAKES = [
    ({}, 200),
    ({"hub.verify_token": "guessed"}, 403),
    ({"hub.mode": "unsubscribe"}, 403),
]


@pytest.mark.parametrize(("changed", "status"), HANDSHAKES)
def test_metas_handshake_gets_its_challenge_back_for_the_right_token(
    kapso: Kapso, changed: dict[str, str], status: int
) -> None:
    asked = {
        "hub.mode": "subscribe",
        "hub.verify_token": kapso.feed.verify_token,
        "hub.challenge": "<b>1158201444</b>",
    }

    answer = kapso.client.get(kapso.url, asked | changed)

    assert answer.status_code == status
    if status == 200:
        assert answer.content == b"<b>1158201444</b>"
        assert answer["Content-Type"].startswith("text/plain")


def test_a_body_over_its_limit_is_413(kapso: Kapso) -> None:
    answer = kapso.tell("whatsapp.message.received", None, raw=b" " * (MAX_BODY + 1))

    assert answer.status_code == 413
    assert not KapsoDelivery.objects.exists()


HARMLESS = {
    "60,000 brackets": b"[" * 60_000,
    "deep objects": b'{"a":' * 30_000 + b"1" + b"}" * 30_000,
    "a list": b"[]",
    "half of it": example("text").raw[:200],
    "no text": b"\xff\xfe\x00",
    "everything wrong": b'{"message":{"id":{},"from":[],"timestamp":"1e99","kapso":7},"data":3}',
    "a batch of nothing": b'{"batch":true,"data":[null,7,{"message":null}]}',
    "Meta's, distorted": b'{"entry":[7,{"changes":[{"field":"messages","value":[]},null]}]}',
    "numbers": json.dumps({"message": {"id": 1, "from": 6281234567890, "timestamp": -1}}).encode(),
}


@pytest.mark.parametrize("raw", HARMLESS.values(), ids=HARMLESS)
def test_a_signed_body_that_cannot_be_used_is_kept_and_answered_200(
    kapso: Kapso, raw: bytes
) -> None:
    answer = kapso.tell("whatsapp.message.received", None, raw=raw)

    assert answer.status_code == 200
    work_all()
    assert KapsoDelivery.objects.get().worked_at
    assert {failure.kind for failure in SyncFailure.objects.all()} <= {
        "rejected_payload",
        "invalid_payload",
    }


def test_what_is_no_json_is_a_failure_that_names_its_delivery(kapso: Kapso) -> None:
    kapso.tell("whatsapp.message.received", None, raw=b"{")

    failure = SyncFailure.objects.get()
    assert (failure.source, failure.kind) == ("kapso", "rejected_payload")
    assert failure.payload == {"delivery": KapsoDelivery.objects.get().pk}


UNKNOWN: dict[str, tuple[str, Any]] = {
    "event": ("whatsapp.telepathy.received", {"thought": 1}),
    "number": (
        "whatsapp.message.received",
        {"phone_number_id": "99", "message": {"id": "x", "from": "6281234567890"}},
    ),
}


@pytest.mark.parametrize(("event", "body"), UNKNOWN.values(), ids=UNKNOWN)
def test_what_we_do_not_know_is_kept_and_named_once(event: str, body: Any) -> None:
    kapso = Kapso(WorkspaceFactory(slug="kopi", kapso_phone_number_id="1"))

    for _again in range(2):
        assert kapso.tell(event, body).status_code == 200

    failure = SyncFailure.objects.get()
    assert (failure.source, failure.occurrences) == ("kapso", 2)
    assert KapsoDelivery.objects.filter(worked_at__isnull=False).count() == 2
    assert not ChatMessage.objects.exists()


def test_what_another_workspaces_number_heard_changes_nothing_here() -> None:
    other = WorkspaceFactory(slug="other", kapso_phone_number_id="418273650914837")
    kapso = Kapso()

    assert kapso.send(example("text")).status_code == 200

    assert not ChatMessage.objects.exists()
    assert not other.contacts.exists()


def test_a_delivery_that_comes_again_is_kept_once(kapso: Kapso) -> None:
    for _again in range(3):
        assert kapso.send(example("text")).status_code == 200

    assert KapsoDelivery.objects.count() == 1


def test_a_message_that_comes_under_another_key_is_kept_once(kapso: Kapso) -> None:
    kapso.send(example("text"))
    kapso.send(example("duplicate"))

    assert KapsoDelivery.objects.count() == 2
    assert ChatMessage.objects.count() == 1


def test_with_the_database_away_kapso_is_told_to_send_it_again(kapso: Kapso) -> None:
    with database_away():
        answer = kapso.send(example("text"))

    assert answer.status_code == 503
    assert kapso.send(example("text")).status_code == 200


TABLES = (
    *("sarah_kapsofeed", "contacts_workspace", "sarah_kapsodelivery"),
    *("contacts_contact", "contacts_chatmessage", "monitoring_syncfailure"),
)


@pytest.mark.parametrize("table", TABLES)
def test_whoever_holds_what_kapso_is_answered_within_two_seconds(kapso: Kapso, table: str) -> None:
    if connection.vendor == "sqlite":
        if table != TABLES[0]:
            pytest.skip("it has one lock for all")
        statement = f"UPDATE {table} SET id = id"
    else:
        statement = f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"

    with locked(statement):
        with lock_waits() as waits:
            answer = kapso.send(example("text"))
        with lock_waits() as waits_to_refuse:
            refused = kapso.send(example("text")._replace(headers={}))

    assert (answer.status_code, refused.status_code) in [(200, 401), (503, 401), (503, 503)]
    assert max(sum(waits), sum(waits_to_refuse)) < 1_900
    assert kapso.send(example("text")).status_code == 200
    KapsoDelivery.objects.update(next_attempt_at=timezone.now() - timedelta(minutes=1))
    work_all()
    assert ChatMessage.objects.count() == 1
    kapso.feed.refresh_from_db()
    assert kapso.feed.refused + webhooks._refused[kapso.feed.pk] == (refused.status_code == 401)


def test_a_bots_key_opens_nothing_here() -> None:
    WorkspaceFactory()
    assert not ApiKey.objects.exists()
    assert Client().get("/webhooks/kapso/default/").status_code == 403
    assert Client().put("/webhooks/kapso/default/").status_code == 405
    assert Client().get("/webhooks/").status_code == 404


def test_when_the_last_event_came_is_noted_once_a_minute(kapso: Kapso) -> None:
    kapso.send(example("text"))
    kapso.send(example("template_sent"))

    kapso.feed.refresh_from_db()
    assert kapso.feed.last_event == "whatsapp.message.received"
    assert kapso.feed.last_event_at


def test_statuses_may_come_before_their_message_and_in_any_order(kapso: Kapso) -> None:
    for name in ("read", "delivered_out_of_order", "template_sent"):
        kapso.send(example(name))

    (message,) = ChatMessage.objects.all()
    marks = ChatMark.objects.filter(wamid=message.wamid).order_by("at")
    assert [mark.status for mark in marks] == ["sent", "delivered", "read"]
